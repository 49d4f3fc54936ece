package lifecycle

import (
	"math"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// What the profiles of a suspicion add to the log-odds of the counts. Each is the
// logarithm of how much likelier a leak shows it than healthy growth does.
const (
	// Healthy goroutines do not wait for long in a send, a lock or a WaitGroup.
	stuckOdds = 2.7
	// Against a leak: a stack that grows as a pool does, or for too short to have a shape;
	// and goroutines that wake up now and then, or end while others come: they are
	// connections and consumers at work more often than leaked ones.
	healthyOdds = -3
	// A stack whose shape is not clear yet, and one that has grown steadily in enough
	// profiles.
	doubtOdds  = -1.6
	steadyOdds = 0.5
	// Pools and caches rarely outnumber all other goroutines, the less the more they do.
	// It is this many log-odds for each e-fold, and no more than for mostDominance times
	// as many.
	dominanceOdds = 0.7
	mostDominance = 100
	// Stacks that have grown for a day, or for hours where healthy goroutines do
	// not wait, as nothing healthy does.
	lastingOdds = 7
	// Goroutines that stay. It is little where healthy ones stay, too.
	survivalOdds     = 6
	survivalOddsIdle = 0.7
	// Of the healthy goroutines that are blocked in a send, a lock or a WaitGroup, the
	// share that still is after a time falls with this power of it.
	waitTail  = 1.8
	proofOdds = 9
	// The counts alone are never surer than this, for or against.
	mostCountsOdds  = 9
	leastCountsOdds = -4
)

// Blocked healthy goroutines wait for about this long: where work goes on as before,
// where it is not known whether it does, and where less of it gets done, as in an
// outage.
const (
	waitWorking = 10 * time.Second
	waitUnknown = time.Minute
	waitHanging = 5 * time.Minute
	// hanging is the share of the work before below which something may hang.
	hanging = 0.7
)

// hangBlocks is for how many base blocks after less work was done goroutines may still
// wait for what had hung.
const hangBlocks = 15

// suspectBack is by how much the log-odds of a suspicion must fall below those from
// which it is shown, until it is no longer: so it does not flap.
const suspectBack = 1

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
		if stuck && !t.mayHang(r) {
			add(leak.PartOperation, stuckOdds)
		}
		add(leak.PartShape, t.shapeOdds(r))
		add(leak.PartDominance, r.dominanceOdds())
		if r.growsForLong {
			add(leak.PartLasting, lastingOdds)
		}
		if l.Evidence == leak.Aged || r.leaving || r.passing {
			odds := t.survivalOdds(r, stuck)
			if l.State != leak.Suspected { // that they stayed once is not undone
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

// isSuspected reports whether a confidence is that of a suspicion. One that was is
// until the odds are clearly lower.
func (t *Tracker) isSuspected(confidence float64, was bool) bool {
	least := leak.LogOdds(t.options.SuspectConfidence)
	if was {
		least -= suspectBack
	}
	return confidence > 0 && leak.LogOdds(min(confidence, 1-1e-12)) >= least
}

// mayHang reports whether less work gets done than before the onset, or did a while ago,
// so that goroutines wait for whatever hangs. It does not matter to a leak that fires.
func (t *Tracker) mayHang(r *record) bool {
	return r.leak.State == leak.Suspected && !r.hungAt.IsZero() && t.updatedAt.Sub(r.hungAt) < hangBlocks*t.options.Base
}

// isYoung reports whether a suspicion has grown for so short that it has no shape.
func (t *Tracker) isYoung(r *record) bool {
	blocks := tenMinutes
	if t.mayHang(r) {
		blocks = LongLife
	}
	return r.leak.State == leak.Suspected && t.updatedAt.Sub(r.leak.Onset) < time.Duration(blocks)*t.options.Base
}

// shapeOdds is what the growth of the leading stack says. Pools do not grow to
// dominate their process. Everything that a program does in its first minutes may do so, such
// as to start its workers: so an unclear shape counts against goroutines that wait as idle ones
// do until dumps show that they stay. In its first minutes growth has no shape, however many
// profiles there are, and while something hangs for longer; unless goroutines that do not
// wait for long elsewhere are known to stay.
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

// dominanceOdds is what it says that a leak outnumbers all other goroutines. It is
// nothing for goroutines that end again, for a pool that fills up, and for the connections of
// a server's clients: these outnumber all others in health, too.
func (r *record) dominanceOdds() float64 {
	times, lead := r.outnumbers(), &r.leak.Stacks[0]
	clients := attribution.ServesClients(*lead) && !stack.Stuck(lead.Op) && !r.leak.Evidence.Above(leak.Stack)
	if times < dominance || clients || r.leaving || r.passing || r.isPool() {
		return 0
	}
	return dominanceOdds * math.Log(min(times, mostDominance))
}

// survivalOdds is what it says that the goroutines of dumps stayed, or left: where healthy ones
// do not wait for long, the more the longer they have. Connections and
// idle workers stay as well, unless they outnumber all others for long and nothing
// wakes them.
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
	case r.longestStay >= LongLife*t.options.Base && r.dominates(dominance) && !r.isWoken():
		return survivalOdds
	case t.isYoung(r):
		return 0
	}
	return survivalOddsIdle
}

// usualWait is for about how long healthy goroutines are blocked now.
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

// setWork notes how much work is done beside a suspicion.
func (r *record) setWork(now time.Time, e Evaluation) {
	r.work = math.NaN()
	if e.Work != nil && r.leak.Head != nil {
		r.work = e.Work(r.leak.Head.Instance, r.leak.Onset)
	}
	if r.work < hanging {
		r.hungAt = now
	}
}

// isWoken reports whether something to read, or a message, has come to all goroutines of
// the leading stack since they were first seen: live connections and consumers do that.
func (r *record) isWoken() bool {
	lead := &r.leak.Stacks[0]
	return lead.Wait < r.longestStay/2 && attribution.IsWokenByOthers(*lead)
}

// setCounts notes what the counts of an evaluation say.
func (t *Tracker) setCounts(e Evaluation) {
	t.countsOdds = leastCountsOdds
	if c := e.Verdict.Confidence; c > 0 && e.Verdict.Status.Grows() {
		t.countsOdds = max(leastCountsOdds, min(mostCountsOdds, leak.LogOdds(min(c, 1-1e-9))))
	}
	t.countsSuspected = t.isSuspected(1/(1+math.Exp(-t.countsOdds)), t.countsSuspected)
}

// enough are the log-odds from which a leak fires.
func (t *Tracker) enough() float64 { return leak.LogOdds(t.options.MinConfidence) }

// isEnough reports whether the parts of a leak add up to enough to fire.
func (t *Tracker) isEnough(r *record) bool {
	return leak.LogOdds(math.Min(r.leak.Confidence, 1-1e-12)) >= t.enough()
}
