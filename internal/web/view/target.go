package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/leak"
)

// TargetState is the result of the last pull of a target.
type TargetState string

// The states of a target.
const (
	TargetUnknown TargetState = "unknown" // not pulled yet
	TargetUp      TargetState = "up"
	TargetDown    TargetState = "down"
	// TargetUnmatched: an instance without a target, or a target without an
	// instance; Error says why.
	TargetUnmatched TargetState = "unmatched"
	// TargetGone: the instance is gone. It is no longer a target, and is listed while
	// its samples are still judged.
	TargetGone TargetState = "gone"
)

// TargetStates are the states of targets. "gone" is not one of them.
var TargetStates = []TargetState{TargetUnknown, TargetUp, TargetDown, TargetUnmatched}

// Target is the source of the profiles of one instance.
type Target struct {
	Labels labels.Labels
	// URL is redacted.
	URL   string
	State TargetState
	// LastPull is when it was last tried, zero if never; it took Duration.
	LastPull time.Time
	Duration time.Duration
	// Next is the earliest time of the next pull; zero: not known yet.
	Next time.Time
	// Cost is the estimated cost of all pulls for the target, in seconds of its CPU.
	Cost float64
	// Goroutines that the last profile counted.
	Goroutines int64
	// Error says in plain words why the last pull failed or the next one is not
	// made.
	Error string
	// LastPush is when the instance pushed a profile, if that was recently: it is not pulled
	// then. Zero: it did not.
	LastPush time.Time
	// Gone is since when the instance is gone; zero: it is not.
	Gone time.Time
}

// Targets returns the targets, those with a problem first, and the instances that are gone, the
// last to go first.
func (r *Reader) Targets() (targets, gone []Target) {
	for _, t := range sortTargets(r.o.Backend.Targets()) {
		if t.State == TargetGone {
			gone = append(gone, t)
		} else {
			targets = append(targets, t)
		}
	}
	slices.SortStableFunc(gone, func(a, b Target) int { return b.Gone.Compare(a.Gone) })
	return targets, gone
}

// SearchTargets returns the test of a filter on targets. A target is found by its labels, its
// address, its error, and the functions and files of its open leaks.
func (r *Reader) SearchTargets(f query.Filter) func(Target) bool {
	leaks := map[string][]leak.Leak{} // by the instance
	if f.HasWords() {
		for _, l := range r.o.Backend.Leaks() {
			for _, in := range l.Instances {
				if l.State != leak.Resolved {
					leaks[in] = append(leaks[in], l)
				}
			}
		}
	}
	return func(t Target) bool {
		texts := []string{t.URL, t.Error}
		for _, l := range leaks[t.Labels.Get("instance")] {
			if isPart(l.Service, t.Labels) {
				texts = append(texts, stackTexts(l)...)
			}
		}
		return f.Passes(t.Labels, texts...)
	}
}

// isPart reports whether all labels of a are labels of b.
func isPart(a, b labels.Labels) bool {
	part := true
	a.Range(func(l labels.Label) { part = part && b.Get(l.Name) == l.Value })
	return part
}

func sortTargets(targets []Target) []Target {
	rank := map[TargetState]int{TargetDown: 0, TargetUnmatched: 1, TargetUp: 2, TargetUnknown: 3}
	targets = slices.Clone(targets)
	slices.SortFunc(targets, func(a, b Target) int {
		return cmp.Or(cmp.Compare(rank[a.State], rank[b.State]), labels.Compare(a.Labels, b.Labels), strings.Compare(a.URL, b.URL))
	})
	return targets
}
