package lifecycle

import (
	"math"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// What the profiles of a suspicion add to the log-odds of the counts. Each is the
// logarithm of how much likelier a leak shows it than healthy growth does.
const (
	// Healthy goroutines do not wait for long in a send, a lock or a WaitGroup.
	stuckOdds = 2.7
	// A stack that grows as a pool does, or whose shape is not clear yet, and one
	// that has grown steadily in enough profiles.
	fillingOdds = -3
	doubtOdds   = -1.6
	steadyOdds  = 0.5
	// Pools and caches do not outnumber all other goroutines by dominance, and
	// even less by overwhelming.
	dominanceOdds    = 0.7
	overwhelmingOdds = 1.6
	// Stacks that have grown for a day, or for hours where healthy goroutines do
	// not wait, as nothing healthy does.
	lastingOdds = 7
	// Goroutines that stay. It is little where healthy ones stay, too.
	survivalOdds     = 6
	survivalOddsIdle = 0.7
	proofOdds        = 9
	// The counts alone are never surer than this, for or against.
	mostCountsOdds  = 9
	leastCountsOdds = -4
)

// weigh sets what speaks for and against a leak, and the confidence that follows.
func (t *Tracker) weigh(r *record) {
	l := &r.leak
	counts := t.countsOdds
	if t.alarmIsExplained(t.updatedAt) && l.State == leak.Suspected {
		counts = leastCountsOdds // they are about another leak
	}
	if l.State != leak.Suspected {
		counts = max(counts, r.countsOdds) // a pause in the growth is no evidence against it
	}
	r.countsOdds = counts
	parts := []leak.Part{{Name: leak.PartCounts, LogOdds: counts}}
	add := func(name string, odds float64) {
		if odds != 0 {
			parts = append(parts, leak.Part{Name: name, LogOdds: odds})
		}
	}
	if len(l.Stacks) > 0 {
		stuck := stack.Stuck(l.Stacks[0].Op)
		if stuck {
			add(leak.PartOperation, stuckOdds)
		}
		add(leak.PartShape, r.shapeOdds())
		add(leak.PartDominance, r.dominanceOdds())
		if r.growsForLong {
			add(leak.PartLasting, lastingOdds)
		}
		if l.Evidence == leak.Aged {
			add(leak.PartSurvival, t.survivalOdds(r, stuck))
		}
	}
	if l.Evidence == leak.Proven {
		add(leak.PartProof, proofOdds)
	}
	l.Parts, l.Confidence = parts, leak.Confidence(parts)
}

// shapeOdds is what the growth of the leading stack says. Pools do not grow to
// dominate their process.
func (r *record) shapeOdds() float64 {
	switch {
	case r.filling && !r.dominates(dominance):
		return fillingOdds
	case r.doubt != "" && !r.dominates(overwhelming):
		return doubtOdds
	case r.doubt == "":
		return steadyOdds
	}
	return 0
}

func (r *record) dominanceOdds() float64 {
	switch {
	case r.dominates(overwhelming):
		return overwhelmingOdds
	case r.dominates(dominance):
		return dominanceOdds
	}
	return 0
}

// survivalOdds is what it says that the goroutines of dumps stayed. Connections and
// idle workers stay as well, unless they outnumber all others for long and nothing
// wakes them.
func (t *Tracker) survivalOdds(r *record, stuck bool) float64 {
	switch {
	case stuck:
		return survivalOdds
	case r.longestStay >= LongLife*t.options.Base && r.dominates(dominance) && !r.isWoken():
		return survivalOdds
	}
	return survivalOddsIdle
}

// isWoken reports whether the leading stack's goroutines read, and something to read
// has come to all of them since they were first seen: live connections do that.
func (r *record) isWoken() bool {
	lead := &r.leak.Stacks[0]
	return lead.Op == "IO wait" && lead.Wait < r.longestStay/2
}

// setCounts notes what the counts of an evaluation say.
func (t *Tracker) setCounts(e Evaluation) {
	t.countsOdds = leastCountsOdds
	if c := e.Verdict.Confidence; c > 0 && e.Verdict.Status.Grows() {
		t.countsOdds = max(leastCountsOdds, min(mostCountsOdds, leak.LogOdds(min(c, 1-1e-9))))
	}
}

// enough are the log-odds from which a leak fires.
func (t *Tracker) enough() float64 { return leak.LogOdds(t.options.MinConfidence) }

// isEnough reports whether the parts of a leak add up to enough to fire.
func (t *Tracker) isEnough(r *record) bool {
	return leak.LogOdds(math.Min(r.leak.Confidence, 1-1e-12)) >= t.enough()
}
