package app

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/internal/triage"
)

// triageInterval is the time between two reads of other replicas' changes.
const triageInterval = time.Minute

// Entry returns the owner, note and expectation of a leak.
func (s state) Entry(leak string) triage.Entry { return s.triage.Entry(leak) }

// CanSet reports whether people may change these.
func (s state) CanSet() bool { return s.o.EnableAdminAPI }

// Set replaces them, and has the loop apply the expectation.
func (s state) Set(ctx context.Context, e triage.Entry) error {
	if err := s.triage.Set(ctx, time.Now(), e); err != nil {
		return err
	}
	s.applyTriage()
	return nil
}

// applyTriage asks the loop to apply what is expected.
func (a *App) applyTriage() {
	select {
	case a.triaged <- struct{}{}:
	default: // it is about to
	}
}

// followTriage reads at intervals what people changed on another replica of the shard, which
// shares the bucket.
func (a *App) followTriage(ctx context.Context) error {
	tick := time.NewTicker(triageInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			a.readTriage(ctx)
		}
	}
}

// readTriage reads owners, notes and expected leaks from the bucket. If that fails, the last
// known ones stay in force.
func (a *App) readTriage(ctx context.Context) {
	changed, err := a.triage.Read(ctx)
	if err != nil {
		if ctx.Err() == nil {
			a.logger.Warn("Cannot read owners and expected leaks; the last known ones stay in force", "err", err)
		}
		return
	}
	if changed {
		a.applyTriage()
	}
}

// monitorOptions returns the options of the monitor: those of the graph, and the leaks that
// people expect.
func (a *App) monitorOptions(g *graph, puller profiling.Source) monitor.Options {
	mo := g.monitor
	mo.Puller, mo.Notify = puller, a.notify
	mo.LabelText = stack.HashLabels(a.labelSecret, g.config.Profiles.LabelsInAlerts)
	mo.Ignore = append(mo.Ignore[:len(mo.Ignore):len(mo.Ignore)], expectedRules(a.triage.Entries())...)
	return mo
}

// expectedRules returns the rules for the leaks that people expect.
func expectedRules(entries []triage.Entry) (out []lifecycle.IgnoreRule) {
	for _, e := range entries {
		x := e.Expected
		if x == nil || x.Signature == "" {
			continue
		}
		rule := lifecycle.IgnoreRule{Signature: x.Signature, Comment: x.Reason, Until: x.Until}
		x.Service.Range(func(l labels.Label) {
			rule.Matchers = append(rule.Matchers, labels.MustNewMatcher(labels.MatchEqual, l.Name, l.Value))
		})
		out = append(out, rule)
	}
	return out
}
