package lifecycle

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/trend"
)

// hasEnded reports whether a leak is over: no instance holds its goroutines any more, and none has
// grown again for as long as the leak once took to be detected.
func (t *Tracker) hasEnded(now time.Time, r *record, e Evaluation) bool {
	if e.Verdict.Status == trend.Leaking && r.growthSeenAt.Equal(now) {
		r.cleanSince = time.Time{}
		return false
	}
	gone, restarted := 0, 0
	for name, w := range r.watched {
		if !w.missing.IsZero() {
			gone++
			continue
		}
		i := find(e.Instances, name)
		if !w.isClean(e.Instances[i]) || leaksAgain(e.Verdict, name) {
			r.cleanSince = time.Time{}
			return false
		}
		if procstart.At(e.Instances[i].Started).After(procstart.At(w.started)) {
			restarted++
		}
	}
	if r.cleanSince.IsZero() {
		r.cleanSince = now
	}
	quiet := min(max(r.leak.DetectedAt.Sub(r.leak.Onset), tenMinutes*t.options.Base), quarterDay*t.options.Base)
	for name, w := range r.watched {
		if !w.missing.IsZero() && !t.instanceHasEnded(now, name, w, quiet, e) {
			return false
		}
	}
	if now.Sub(r.cleanSince) < quiet {
		return false
	}
	r.leak.Resolution, r.leak.NoDataSince = "its goroutines are gone", time.Time{}
	if r.holdsSome(e) {
		r.leak.Resolution = "most of its goroutines are gone"
	}
	switch len(r.watched) {
	case gone:
		r.leak.Resolution = t.goneResolution(r, e)
	case gone + restarted:
		r.leak.Resolution = "its instances restarted and have not grown since"
	}
	if gone+restarted == len(r.watched) {
		if v := t.successorVersion(now, r, e); v != "" {
			r.leak.Resolution = "gone with version " + v
		}
	}
	return true
}

// holdsSome reports whether more than a tenth of the leaked goroutines are still there.
func (r *record) holdsSome(e Evaluation) bool {
	var leaked, held float64
	for name, w := range r.watched {
		leaked += w.leaked
		if i := find(e.Instances, name); i >= 0 && w.missing.IsZero() {
			held += w.leakedNow(e.Instances[i])
		}
	}
	return held > 0.1*leaked
}

// instanceHasEnded reports whether an instance without samples counts as ended. quiet is how long
// the leak must be quiet before it resolves.
func (t *Tracker) instanceHasEnded(now time.Time, name string, w *watch, quiet time.Duration, e Evaluation) bool {
	missing := now.Sub(w.missing)
	switch e.presence(name) {
	case collector.PresenceGone:
		if now.Sub(w.gone) >= min(quiet, tenMinutes*t.options.Base) {
			return true
		}
	case collector.PresencePresent:
	default:
		if missing >= max(quiet, replacedAfter*t.options.Base) && t.hasSuccessor(w, e) {
			return true
		}
	}
	return missing >= day*t.options.Base
}

// goneResolution says, for people, why a leak resolves whose instances are all gone.
func (t *Tracker) goneResolution(r *record, e Evaluation) string {
	var last time.Time
	for name, w := range r.watched {
		if e.presence(name) == collector.PresenceGone || t.hasSuccessor(w, e) {
			continue
		}
		last = later(last, w.missing)
	}
	if last.IsZero() {
		return "its instances are gone"
	}
	return "no data from its instances since " + last.UTC().Format("2006-01-02 15:04 MST")
}

// successorVersion is the version that has replaced the leaking one; empty: an instance of the
// leaking version, or of an unknown one, still runs.
func (t *Tracker) successorVersion(now time.Time, r *record, e Evaluation) string {
	if r.leak.Version == "" {
		return ""
	}
	n := map[string]int{}
	for _, in := range e.Instances {
		if !t.isLost(now, in) {
			n[e.Versions[in.Name]]++
		}
	}
	if len(n) == 0 || n[""] > 0 || n[r.leak.Version] > 0 {
		return ""
	}
	// The version that most instances run.
	return slices.MaxFunc(slices.Sorted(maps.Keys(n)), func(a, b string) int { return cmp.Compare(n[a], n[b]) })
}
