package dump

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
)

// finish counts the goroutines of each record, and returns warnings about the dump.
func (d *dump) finish() (warnings []string) {
	parts, n := d.read.parts, d.read.n
	if !d.read.unique() {
		r := resolver{dump: d, at: map[uint64]int{}}
		r.resolve(slices.Concat(parts...))
		parts, n = [][]sighting{r.goroutines}, len(r.goroutines)
		if r.earlier > 0 {
			warnings = append(warnings, fmt.Sprintf("it holds %d dumps, one behind the other; only the last one is used", r.earlier+1))
		}
		if r.twice > 0 {
			warnings = append(warnings, fmt.Sprintf("goroutines are printed more than once (%d times); each counts once", r.twice))
		}
	}
	if d.counts {
		warnings = append(warnings, "it holds a debug=1 profile as well, which is not used")
	}
	if d.missing != "" {
		warnings = append(warnings, d.missing)
	}
	if d.bare > 0 {
		warnings = append(warnings, fmt.Sprintf("%d of %d goroutines have no frame that can be read", d.bare, d.read.n))
	}
	for _, part := range parts {
		for _, one := range part {
			d.records[one.record()].Count++
		}
	}
	all := make([]collector.Goroutine, 0, n)
	for i := range d.records {
		rec := &d.records[i]
		from := len(all)
		all = all[:from+int(rec.Count)]
		rec.Goroutines = all[from:from:len(all)]
	}
	for _, part := range parts {
		for _, one := range part {
			rec := &d.records[one.record()]
			waited := time.Duration(one.minutes) * time.Minute
			rec.Goroutines = append(rec.Goroutines, collector.Goroutine{ID: one.id, Waited: waited})
			rec.Wait = max(rec.Wait, waited)
		}
	}
	return warnings
}

// resolver decides about goroutines that are printed more than once: either the
// text holds several dumps, or one dump prints some of its goroutines twice.
type resolver struct {
	*dump
	goroutines []sighting
	at         map[uint64]int // id → index in goroutines
	earlier    int            // dumps before the one that is kept
	twice      int            // goroutines that were left out, within a dump
}

func (r *resolver) resolve(all []sighting) {
	run := map[uint64]bool{}
	for i := 0; i < len(all); {
		if _, again := r.at[all[i].id]; !again {
			r.keep(all[i])
			i++
			continue
		}
		// Look ahead until a goroutine repeats once more.
		clear(run)
		again, fresh, waiting := 0, 0, false
		end := i
		for ; end < len(all) && !run[all[end].id]; end++ {
			run[all[end].id] = true
			if at, ok := r.at[all[end].id]; ok {
				again++
				waiting = waiting || r.waits(r.goroutines[at]) && r.waits(all[end])
			} else {
				fresh++
			}
		}
		if r.isNext(all[i].id, run, again, fresh, waiting) {
			r.restart(run)
		}
		for _, one := range all[i:end] {
			r.keep(one)
		}
		i = end
	}
}

// isNext reports whether the goroutines that follow are another dump. Some of the goroutines so
// far repeat, others are new.
func (r *resolver) isNext(first uint64, run map[uint64]bool, again, fresh int, waiting bool) bool {
	size := len(r.goroutines)
	switch {
	case r.crash:
		// Each thread prints its own goroutine once more, and such a one rarely waits.
		return waiting && again >= 3 && 2*again > size
	case fresh == 0 && 2*again < size && (again < 3 || !run[1]):
		return false // such as one that panicked
	case again == 1 && size >= 3 && first != 1:
		return false
	}
	return true
}

// restart discards the dump so far. The next one may have begun with goroutines that the last
// one did not have: a dump begins after other text, or with the goroutine that printed it and
// was running.
func (r *resolver) restart(run map[uint64]bool) {
	begin := len(r.goroutines)
	for i := len(r.goroutines) - 1; i > 0 && !run[r.goroutines[i].id]; i-- {
		if one := r.goroutines[i]; one.apart() || strings.HasPrefix(r.records[one.record()].State, "running") {
			begin = i
			break
		}
	}
	next := r.goroutines[begin:]
	r.goroutines = make([]sighting, 0, len(run)+len(next))
	clear(r.at)
	for _, one := range next {
		r.keep(one)
	}
	r.earlier++
	r.twice = 0
}

func (r *resolver) keep(one sighting) {
	at, again := r.at[one.id]
	if !again {
		r.at[one.id] = len(r.goroutines)
		r.goroutines = append(r.goroutines, one)
		return
	}
	r.twice++
	if len(r.records[r.goroutines[at].record()].Frames) == 0 {
		r.goroutines[at] = one // the one before was "running on other thread"
	}
}

// waits reports whether a goroutine is on no thread.
func (r *resolver) waits(one sighting) bool {
	rec := &r.records[one.record()]
	if len(rec.Frames) == 0 {
		return false
	}
	for _, s := range []string{"running", "runnable", "syscall", "idle"} {
		if strings.HasPrefix(rec.State, s) {
			return false
		}
	}
	return true
}
