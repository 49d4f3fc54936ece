package app

import (
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/grouping"
)

// groupingInterval is how often the labels of the instances are checked.
const groupingInterval = 10 * time.Minute

// checkGrouping checks whether the labels that form services fit the instances. It logs new
// problems.
func (a *App) checkGrouping(now time.Time) {
	if now.Sub(a.groupingChecked) < groupingInterval {
		return
	}
	o := grouping.New(a.graph.Load().config.Services.GroupBy)
	for _, s := range a.monitor.Services() {
		for _, in := range s.Instances {
			if !in.Gone {
				o.Add(in.Labels)
				a.groupingChecked = now
			}
		}
	}
	warnings := o.Warnings()
	if old := a.groupingNotices.Swap(&warnings); old == nil || !slices.Equal(*old, warnings) {
		for _, text := range warnings {
			a.logger.Warn("The labels of services.group_by do not separate the services", "problem", text)
		}
	}
}
