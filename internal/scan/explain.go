package scan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Explanation says how one service was judged.
type Explanation struct {
	Service labels.Labels
	// Changes are the times when the status, or the gate that kept it from being higher,
	// changed.
	Changes []Change
	// Detections are the first moments at which the service began to be judged leaking; End is
	// the last evaluation.
	Detections []Moment
	End        Moment
}

// Change is a new status or gate.
type Change struct {
	Time   time.Time
	Status trend.Status
	Gate   trend.Gate
}

// Moment is an evaluation with everything behind its verdict.
type Moment struct {
	Time        time.Time
	Verdict     trend.Verdict
	Assessments []trend.Assessment
}

// Bounds of an explanation.
const (
	maxChanges    = 100_000
	maxDetections = 20
)

// explainer finds the service to explain and follows it.
type explainer struct {
	want   string
	curves *curves
	chosen *course // nil: not seen yet
	// why returns the assessments behind the latest verdict.
	why func() []trend.Assessment
	Explanation
}

// choose looks for the wanted service among those seen so far. An exact name counts; otherwise
// the name has to be a part of just one service's.
func (x *explainer) choose() error {
	var candidates []*course
	for _, s := range x.curves.services {
		name := alerting.ServiceName(s.labels)
		if name == x.want {
			x.chosen = s
			return nil
		}
		if strings.Contains(strings.ToLower(name), strings.ToLower(x.want)) {
			candidates = append(candidates, s)
		}
	}
	switch len(candidates) {
	case 0:
		return nil
	case 1:
		x.chosen = candidates[0]
		return nil
	}
	return fmt.Errorf("%q is a part of the names of %d services, expected one of %s", x.want, len(candidates), list(namesOf(candidates), 8))
}

func namesOf(services []*course) []string {
	var names []string
	for _, s := range services {
		names = append(names, alerting.ServiceName(s.labels))
	}
	slices.Sort(names)
	return names
}

// list writes the first n names.
func list(names []string, n int) string {
	if len(names) > n {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
	}
	return strings.Join(names, ", ")
}

// verdict records an evaluation.
func (x *explainer) verdict(_ labels.Labels, now time.Time, v trend.Verdict, why func() []trend.Assessment) {
	x.End, x.why = Moment{Time: now, Verdict: v}, why
	last := Change{}
	if n := len(x.Changes); n > 0 {
		last = x.Changes[n-1]
	}
	if v.Status == last.Status && v.Gate == last.Gate {
		return
	}
	if v.Status == trend.Leaking && last.Status != trend.Leaking && len(x.Detections) < maxDetections {
		x.Detections = append(x.Detections, Moment{now, v, why()})
	}
	if len(x.Changes) < maxChanges {
		x.Changes = append(x.Changes, Change{now, v.Status, v.Gate})
	}
}

// explanation returns the explanation, or an error with the services that exist instead.
func (x *explainer) explanation() (*Explanation, error) {
	if x.chosen == nil {
		names := namesOf(slices.Collect(maps.Values(x.curves.services)))
		slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(distance(a, x.want), distance(b, x.want)) })
		return nil, fmt.Errorf("there is no service %q among %d, the nearest are %s", x.want, len(names), strings.Join(names[:min(5, len(names))], ", "))
	}
	x.Service = x.chosen.labels
	if x.why != nil {
		x.End.Assessments = x.why()
	}
	return &x.Explanation, nil
}

// distance returns the edit distance (Levenshtein 1966) from typed to the nearest part of name, in
// characters.
func distance(name, typed string) int {
	n, t := []rune(strings.ToLower(name)), []rune(strings.ToLower(typed))
	row := make([]int, len(n)+1) // an empty text is a part of any name
	for i := range t {
		above := row[0]
		row[0] = i + 1
		for j := range n {
			change := above
			if t[i] != n[j] {
				change++
			}
			above = row[j+1]
			row[j+1] = min(change, row[j]+1, above+1)
		}
	}
	return slices.Min(row)
}

// leaksOf returns the leaks of the explained service.
func (x *Explanation) leaksOf(leaks []leak.Leak) []leak.Leak {
	return slices.DeleteFunc(slices.Clone(leaks), func(l leak.Leak) bool { return !labels.Equal(l.Service, x.Service) })
}
