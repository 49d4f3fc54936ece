package apiv1

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// deployWindow is how long a rollout takes at most, from its first restart on.
const deployWindow = 15 * time.Minute

// processStarts returns the starts of processes in the span. Where at least half of
// the instances start together, that is a deploy.
func processStarts(all []collector.InstanceHistory, span query.Span) (restarts []v1.Restart, deploys []v1.Deploy) {
	restarts, deploys = []v1.Restart{}, []v1.Deploy{}
	var events []v1.Restart
	for _, in := range all {
		last := math.NaN()
		for _, x := range in.Start {
			if !math.IsNaN(x) && !procstart.Time(x).Same(procstart.Time(last)) {
				last = x
				if x > seconds(span.From) && x <= seconds(span.To) {
					events = append(events, v1.Restart{Time: x, Instance: human.Line(instanceName(in.Labels), view.MaxName)})
				}
			}
		}
	}
	slices.SortFunc(events, func(a, b v1.Restart) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Instance, b.Instance))
	})
	for len(events) > 0 {
		n := 1
		for n < len(events) && events[n].Time-events[0].Time <= deployWindow.Seconds() {
			n++
		}
		names := map[string]bool{}
		for _, e := range events[:n] {
			names[e.Instance] = true
		}
		if alive := countAlive(all, events[n-1].Time); len(names) >= 2 && 2*len(names) >= alive {
			if len(deploys) < maxEvents {
				deploys = append(deploys, v1.Deploy{Time: events[0].Time, Instances: len(names)})
			}
		} else {
			n = 1
			if len(restarts) < maxEvents {
				restarts = append(restarts, events[0])
			}
		}
		events = events[n:]
	}
	return restarts, deploys
}

// countAlive counts the instances that had a process at a time.
func countAlive(all []collector.InstanceHistory, t float64) (n int) {
	for _, in := range all {
		for i := len(in.Start) - 1; i >= 0; i-- {
			if in.Start[i] <= t {
				n++
				break
			}
		}
	}
	return n
}
