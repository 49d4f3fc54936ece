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

// Explanation is how one service was judged.
type Explanation struct {
	Service labels.Labels
	// Changes are when the status, or the gate that kept it from being higher,
	// became another.
	Changes []Change
	// Detections are the moments at which the service began to be judged
	// leaking, the first ones; End is the last evaluation.
	Detections []Moment
	End        Moment
}

// Change is a new answer.
type Change struct {
	Time   time.Time
	Status trend.Status
	Gate   trend.Gate
}

// Moment is an evaluation with all that is behind its verdict.
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
	chosen *course // nil: has not been seen yet
	Explanation
}

// choose looks for the wanted service among those seen so far. One that has the
// very name is it; else the name has to be a part of one service's alone.
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

// verdict takes an evaluation.
func (x *explainer) verdict(_ labels.Labels, now time.Time, v trend.Verdict, why func() []trend.Assessment) {
	x.End = Moment{now, v, why()}
	last := Change{}
	if n := len(x.Changes); n > 0 {
		last = x.Changes[n-1]
	}
	if v.Status == last.Status && v.Gate == last.Gate {
		return
	}
	if v.Status == trend.Leaking && last.Status != trend.Leaking && len(x.Detections) < maxDetections {
		x.Detections = append(x.Detections, x.End)
	}
	if len(x.Changes) < maxChanges {
		x.Changes = append(x.Changes, Change{now, v.Status, v.Gate})
	}
}

// explanation is what was seen, or which services there are instead.
func (x *explainer) explanation() (*Explanation, error) {
	if x.chosen == nil {
		names := namesOf(slices.Collect(maps.Values(x.curves.services)))
		slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(distance(a, x.want), distance(b, x.want)) })
		return nil, fmt.Errorf("there is no service %q among %d, the nearest are %s", x.want, len(names), strings.Join(names[:min(5, len(names))], ", "))
	}
	x.Service = x.chosen.labels
	return &x.Explanation, nil
}

// distance is how many characters have to be changed to make a part of name of
// what was typed: the edit distance (Levenshtein 1966) to the nearest part.
func distance(name, typed string) int {
	n, t := []rune(strings.ToLower(name)), []rune(strings.ToLower(typed))
	row := make([]int, len(n)+1) // nothing typed yet is a part of any name
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

// leaksOf are the leaks of the explained service.
func (x *Explanation) leaksOf(leaks []leak.Leak) []leak.Leak {
	return slices.DeleteFunc(slices.Clone(leaks), func(l leak.Leak) bool { return !labels.Equal(l.Service, x.Service) })
}
