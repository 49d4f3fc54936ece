package app

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/push"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// pushConfig returns the part of a configuration about pushed profiles.
func (a *App) pushConfig(g *graph) push.Config {
	p := g.config.Profiles.Push
	return push.Config{
		Enabled: p.Enabled, Relabel: p.RelabelConfigs, Match: p.Match, RequestLimit: int64(p.RequestLimit),
		SenderRate: p.SenderRate, SenderBandwidth: float64(p.SenderBandwidth), SenderSeries: p.SenderSeries,
		Limits:  pprof.Limits{Body: int64(p.RequestLimit), Budget: a.decodingBudget},
		Sharded: a.o.Shard.Count() > 1,
	}
}

// WatchedInstances returns the labels of the instances whose series have not ended.
func (s state) WatchedInstances() (out []labels.Labels) {
	s.monitor.Each(func(instance labels.Labels, gone bool) {
		if !gone {
			out = append(out, instance)
		}
	})
	return out
}

// Push accepts a pushed profile if its instance needs one.
func (s state) Push(ctx context.Context, now time.Time, p profiling.Push) (used bool, err error) {
	return s.monitor.Push(ctx, now, p)
}

// isPushing reports whether an instance pushes its profiles.
func (a *App) isPushing(now time.Time, instance labels.Labels) bool {
	_, _, active := a.monitor.Pushes(now, instance)
	return active
}

// pushing returns a target with the state of its pushes, or unchanged if its instance does not
// push.
func (a *App) pushing(now time.Time, t view.Target) view.Target {
	last, goroutines, active := a.monitor.Pushes(now, t.Labels)
	if !active {
		return t
	}
	t.State, t.Error, t.Next, t.LastPush = view.TargetUp, "", time.Time{}, last
	if goroutines > 0 {
		t.Goroutines = goroutines
	}
	return t
}
