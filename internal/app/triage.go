package app

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/triage"
)

// triageInterval is the time between two looks for what another replica has written.
const triageInterval = time.Minute

// Entry is what people say about a leak.
func (s state) Entry(leak string) triage.Entry { return s.triage.Entry(leak) }

// CanSet reports whether people may change what is said about leaks.
func (s state) CanSet() bool { return s.o.EnableAdminAPI }

// Set replaces what is said about a leak, and has the loop apply what is expected.
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

// followTriage reads now and then what another replica of the same shard, which has the
// same bucket, has been told about leaks.
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

// readTriage reads from the bucket what people say about leaks. Without the bucket, what
// is known already counts.
func (a *App) readTriage(ctx context.Context) {
	changed, err := a.triage.Read(ctx)
	if err != nil {
		if ctx.Err() == nil {
			a.logger.Warn("Cannot read who looks after leaks and which are expected; what was known before counts", "err", err)
		}
		return
	}
	if changed {
		a.applyTriage()
	}
}

// monitorOptions are the options of the monitor by a graph: with what people expect
// besides the configuration.
func (a *App) monitorOptions(g *graph, puller profiling.Source) monitor.Options {
	mo := g.monitor
	mo.Puller, mo.Notify = puller, a.notify
	mo.Ignore = append(mo.Ignore[:len(mo.Ignore):len(mo.Ignore)], expectedRules(a.triage.Entries())...)
	return mo
}

// expectedRules are the rules for the leaks that people expect.
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
