package lifecycle

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
)

// Climb raises the evidence of an open leak; it never lowers it.
func (t *Tracker) Climb(id string, e leak.Evidence) {
	for _, r := range t.open {
		if r.leak.ID == id && e.Above(r.leak.Evidence) {
			r.leak.Evidence, r.leak.Missing = e, ""
		}
	}
}

// Survived takes for how long all goroutines of an open leak have stayed.
func (t *Tracker) Survived(id string, d time.Duration) {
	for _, r := range t.open {
		if r.leak.ID == id {
			r.survived = max(r.survived, d)
		}
	}
}

// Miss says why the next step of evidence of an open leak is missing.
func (t *Tracker) Miss(id, why string) {
	for _, r := range t.open {
		if r.leak.ID == id {
			r.leak.Missing = why
		}
	}
}

// Seen takes what only a dump shows of a stack of an open leak: how long its
// goroutines have waited, and the go statement.
func (t *Tracker) Seen(id, signature string, wait time.Duration, createdBy collector.Frame) {
	for _, r := range t.open {
		if r.leak.ID != id {
			continue
		}
		stacks := slices.Clone(r.leak.Stacks) // handed out already
		for i := range stacks {
			if stacks[i].Signature == signature {
				stacks[i].Wait, stacks[i].CreatedBy = wait, createdBy
			}
		}
		r.leak.Stacks = stacks
	}
}

// Dumped takes a dump that was archived for an open leak.
func (t *Tracker) Dumped(id string, ref leak.ProfileRef) {
	for _, r := range t.open {
		if r.leak.ID == id {
			dumps := append(slices.Clone(r.leak.Dumps), ref) // handed out already
			r.leak.Dumps = dumps[max(len(dumps)-leak.MaxDumps, 0):]
		}
	}
}

// Weigh takes how the memory of the instances grows, as far as it is known.
func (t *Tracker) Weigh(memory map[string]leak.Memory) {
	for _, r := range t.open {
		r.leak.Memory = nil
		for _, name := range r.leak.Instances {
			if m, ok := memory[name]; ok && (r.leak.Memory == nil || hoursLeft(m) < hoursLeft(*r.leak.Memory)) {
				r.leak.Memory = &m
			}
		}
	}
}

// hoursLeft is the time until the limit is reached; infinite where nothing grows.
func hoursLeft(m leak.Memory) float64 {
	switch {
	case m.Used >= m.Limit:
		return 0
	case m.PerHour <= 0:
		return math.Inf(1)
	}
	return (m.Limit - m.Used) / m.PerHour
}
