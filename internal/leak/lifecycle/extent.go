package lifecycle

import (
	"time"

	"github.com/gorowatch/gorowatch/trend"
)

// extent has the instances that a leak was on at a time, and its rate there.
type extent struct {
	at        time.Time
	instances []string
	total     int
	rate      trend.Interval
}

// noteExtent records the present extent, unless there was a larger one within the time late.
func (r *record) noteExtent(now time.Time, late time.Duration, e Evaluation) {
	n := 0
	for _, name := range r.leak.Instances {
		if !r.watched[name].isReplaced(e.living[name]) {
			n++
		}
	}
	if n > 0 && (n >= len(r.largestExtent.instances) || now.Sub(r.largestExtent.at) >= late) {
		r.largestExtent = extent{now, r.leak.Instances, r.leak.InstancesTotal, r.leak.Rate}
	}
}
