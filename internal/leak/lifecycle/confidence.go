package lifecycle

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// What the profiles of a suspicion add to the log-odds of the counts. Each number is the logarithm
// of how many times likelier a leak shows the evidence than healthy growth does.
const (
	// stuckOdds is for goroutines blocked where healthy ones do not wait for long: in a send, a
	// lock or a WaitGroup.
	stuckOdds = 2.7
	// healthyOdds is for a stack that grows as a pool does or has grown too briefly to have a
	// shape, and for goroutines that wake up now and then or end while others come: they are more
	// often connections and consumers at work than leaked.
	healthyOdds = -3
	// doubtOdds is for a stack whose shape is not clear yet, steadyOdds for one that has grown
	// steadily in enough profiles.
	doubtOdds  = -1.6
	steadyOdds = 0.5
	// dominanceOdds is for each e-fold by which the stack outnumbers all other goroutines, up to
	// mostDominance times as many: the more there are, the fewer pools and caches are so large.
	dominanceOdds = 0.7
	mostDominance = 100
	// lastingOdds is for stacks that have grown for a day as nothing healthy does, or for hours
	// where healthy goroutines do not wait.
	lastingOdds = 7
	// survivalOdds is the most for goroutines that stay, survivalOddsIdle where healthy ones
	// stay too.
	survivalOdds     = 6
	survivalOddsIdle = 0.7
	// waitTail is the power of time with which healthy goroutines leave a send, a lock or a
	// WaitGroup: after t, the share that is still blocked is (t/usualWait)^-waitTail.
	waitTail = 1.8
	// proofOdds is for goroutines that the target's garbage collector cannot reach.
	proofOdds = 9
	// mostCountsOdds and leastCountsOdds bound what the counts say, for and against.
	mostCountsOdds  = 9
	leastCountsOdds = -4
)

// How long healthy goroutines usually stay blocked: if as much work gets done as before the onset,
// if that is unknown, and if less than hanging of it gets done, as in an outage.
const (
	waitWorking = 10 * time.Second
	waitUnknown = time.Minute
	waitHanging = 5 * time.Minute
	hanging     = 0.7
)

// hangBlocks is how many base blocks after less work was done goroutines may still wait for what
// had hung.
const hangBlocks = 15

// suspectBack is how far the log-odds of a suspicion must fall below the threshold before it is no
// longer shown. This keeps it from flapping.
const suspectBack = 1

// weigh sets the parts of a leak's log-odds, and the confidence that follows from their sum.
func (t *Tracker) weigh(r *record) {
	l := &r.leak
	counts := t.countsOdds
	if t.alarmIsExplained(t.updatedAt) && l.State == leak.Suspected {
		counts = leastCountsOdds // the alarm is about another leak
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
		if stuck && !t.mayHang(r) {
			add(leak.PartOperation, stuckOdds)
		}
		add(leak.PartShape, t.shapeOdds(r))
		add(leak.PartDominance, t.dominanceOdds(r))
		if r.growsForLong {
			add(leak.PartLasting, lastingOdds)
		}
		if l.Evidence == leak.Aged || r.leaving || r.passing {
			odds := t.survivalOdds(r, stuck)
			if l.State != leak.Suspected { // later dumps do not take away that they stayed once
				odds = max(odds, r.survivalOdds)
			}
			r.survivalOdds = odds
			add(leak.PartSurvival, odds)
		}
	}
	if r.atWork && l.State == leak.Suspected && l.Evidence != leak.Aged {
		add(leak.PartWakeUps, healthyOdds)
	}
	if l.Evidence == leak.Proven {
		add(leak.PartProof, proofOdds)
	}
	l.Parts, l.Confidence = parts, leak.Confidence(parts)
	r.suspected = t.isSuspected(l.Confidence, r.suspected)
}

// isSuspected reports whether a confidence is enough for a suspicion. One that was suspected
// before stays so until the log-odds are clearly lower.
func (t *Tracker) isSuspected(confidence float64, was bool) bool {
	least := leak.LogOdds(t.options.SuspectConfidence)
	if was {
		least -= suspectBack
	}
	return confidence > 0 && leak.LogOdds(min(confidence, 1-1e-12)) >= least
}

// mayHang reports whether less work gets done than before the onset, or did until recently, so that
// goroutines may wait for something that hangs. It is always false for a leak that fires.
func (t *Tracker) mayHang(r *record) bool {
	return r.leak.State == leak.Suspected && !r.hungAt.IsZero() && t.updatedAt.Sub(r.hungAt) < hangBlocks*t.options.Base
}

// isYoung reports whether a suspicion has grown too briefly to have a shape.
func (t *Tracker) isYoung(r *record) bool {
	blocks := tenMinutes
	if t.mayHang(r) {
		blocks = LongLife
	}
	return r.leak.State == leak.Suspected && t.updatedAt.Sub(r.leak.Onset) < time.Duration(blocks)*t.options.Base
}

// shapeOdds is what the growth of the leading stack says. In its first minutes, and for longer while
// something hangs, growth has no shape however many profiles there are. A stack that dominates the
// process is the exception, if its goroutines stay where healthy ones do not wait for long.
//
// An unclear shape counts against a leak. It does not if the stack outnumbers all others by far, and
// either its goroutines wait where healthy ones do not, or dumps show that they stay.
func (t *Tracker) shapeOdds(r *record) float64 {
	stuck := stack.Stuck(r.leak.Stacks[0].Op)
	stays := r.longestStay > 0 && !r.leaving && !t.mayHang(r) && stuck
	switch {
	case t.isYoung(r) && !r.filling && !r.halved && !(stays && r.dominates(overwhelming)):
		return healthyOdds
	case r.isPool():
		return healthyOdds
	case r.doubt != "" && !(r.dominates(overwhelming) && (stuck || r.leak.Evidence.Above(leak.Stack))):
		return doubtOdds
	case r.doubt == "":
		return steadyOdds
	}
	return 0
}

// dominanceOdds is what it says that a leak outnumbers all other goroutines. It is 0 for goroutines
// that end again, for a pool that fills up, and for what outnumbers all others in healthy services too.
func (t *Tracker) dominanceOdds(r *record) float64 {
	times := r.outnumbers()
	if times < dominance || t.isUsuallyMany(r) || r.leaving || r.passing || r.isPool() {
		return 0
	}
	return dominanceOdds * math.Log(min(times, mostDominance))
}

// isUsuallyMany reports whether healthy services have many such goroutines, too. They wait where healthy
// ones wait for long, and have not stayed for long by now: workers that are started, in a shape that is
// not clear yet; goroutines that serve clients; and open connections of clients, for LongLife.
func (t *Tracker) isUsuallyMany(r *record) bool {
	long := LongLife * t.options.Base
	switch l := &r.leak; {
	case stack.Stuck(l.Stacks[0].Op):
		return false
	case slices.ContainsFunc(l.Stacks, attribution.ReadsFromClients) && r.longestStay < long:
		return true
	case l.Evidence.Above(leak.Stack):
		return false
	default:
		return slices.ContainsFunc(l.Stacks, attribution.ServesClients) || r.doubt != "" && t.updatedAt.Sub(l.Onset) < long
	}
}

// survivalOdds is what it says that the goroutines of a dump stayed, or left. Where healthy ones do
// not wait for long, it grows with the time for which they stayed. Elsewhere it is little, because
// connections and idle workers stay too, unless the goroutines outnumber all others and nothing has
// woken them for LongLife.
func (t *Tracker) survivalOdds(r *record, stuck bool) float64 {
	switch {
	case r.leaving:
		return -survivalOdds
	case r.passing:
		return healthyOdds
	case stuck && r.longestStay == 0:
		return 0
	case stuck:
		return max(0, min(survivalOdds, waitTail*math.Log(float64(r.longestStay)/float64(t.usualWait(r)))))
	case r.isPool():
		return 0
	case r.longestStay >= LongLife*t.options.Base && r.dominates(dominance) && !r.isWoken() && r.hasRecentShape():
		return survivalOdds
	case t.isYoung(r):
		return 0
	}
	return survivalOddsIdle
}

// hasRecentShape reports whether the growth of the stacks is known up to the latest dump. Profiles
// may be far apart by then, and the last one may be from before a pool was full.
func (r *record) hasRecentShape() bool {
	l := &r.leak
	return len(l.Dumps) == 0 || l.Head != nil && !l.Head.Time.Before(l.Dumps[len(l.Dumps)-1].Time)
}

// usualWait is how long healthy goroutines usually stay blocked under the present conditions.
func (t *Tracker) usualWait(r *record) time.Duration {
	wait := waitWorking
	switch {
	case t.mayHang(r):
		wait = waitHanging
	case math.IsNaN(r.work):
		wait = waitUnknown
	}
	return time.Duration(wait.Minutes() * float64(t.options.Base))
}

// setWork notes how much work the instance of the head profile does.
func (r *record) setWork(now time.Time, e Evaluation) {
	r.work = math.NaN()
	if e.Work != nil && r.leak.Head != nil {
		r.work = e.Work(r.leak.Head.Instance, r.leak.Onset)
	}
	if r.work < hanging {
		r.hungAt = now
	}
}

// isWoken reports whether arriving data or messages have woken all goroutines of the leading stack
// since they were first seen, as happens to live connections and consumers.
func (r *record) isWoken() bool {
	lead := &r.leak.Stacks[0]
	return lead.Wait < r.longestStay/2 && attribution.IsWokenByOthers(*lead)
}

// setCounts notes the log-odds of a leak by the counts of an evaluation.
func (t *Tracker) setCounts(e Evaluation) {
	t.countsOdds = leastCountsOdds
	if c := e.Verdict.Confidence; c > 0 && e.Verdict.Status.Grows() {
		t.countsOdds = max(leastCountsOdds, min(mostCountsOdds, leak.LogOdds(min(c, 1-1e-9))))
	}
	t.countsSuspected = t.isSuspected(1/(1+math.Exp(-t.countsOdds)), t.countsSuspected)
}

// enough returns the log-odds from which a leak fires.
func (t *Tracker) enough() float64 { return leak.LogOdds(t.options.MinConfidence) }

// isEnough reports whether the confidence of a leak is enough to fire.
func (t *Tracker) isEnough(r *record) bool {
	return leak.LogOdds(math.Min(r.leak.Confidence, 1-1e-12)) >= t.enough()
}
