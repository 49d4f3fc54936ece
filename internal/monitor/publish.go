package monitor

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/leak"
)

const (
	// writers is how many documents are written at a time.
	writers = 8
	// The time that a cycle waits for the bucket is half of the interval, within
	// these bounds: what is not written then is tried again at the next one.
	minSaving = time.Second
	maxSaving = 10 * time.Second
)

// publish logs what has changed of the leaks, and saves it, and what was captured:
// before anybody is told, so that who starts after us goes on with what was said.
func (m *Monitor) publish(ctx context.Context) {
	leaks := m.Leaks()
	open := 0
	known := map[string]bool{}
	var changed []leak.Leak
	for _, l := range leaks {
		known[l.ID] = true
		if l.State == leak.Firing {
			open++
		}
		d := digest(l)
		if l.State == leak.Suspected {
			continue
		}
		if m.said[l.ID] != d {
			m.said[l.ID] = d
			m.logger.Info("Leak", "id", l.ID, "service", l.Service, "state", l.Phase(), "evidence", l.Evidence,
				"stack", l.Signature, "goroutines_per_hour", int(l.Rate.Value), "leaked", int(l.Leaked), "onset", l.Onset.UTC().Format(time.RFC3339))
		}
		if m.saved[l.ID] != d {
			changed = append(changed, l)
		}
	}
	gone := func(id, _ string) bool { return !known[id] }
	maps.DeleteFunc(m.saved, gone)
	maps.DeleteFunc(m.said, gone)
	m.metrics.open.Set(float64(open))
	if m.o.Archive == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, min(max(m.o.Interval/2, minSaving), maxSaving))
	defer cancel()
	// What the archive has of these leaks is not known yet: it is not replaced.
	if len(changed) > 0 && m.past.known() {
		m.save(ctx, changed)
	}
	m.saveCaptures(ctx)
}

// save writes leaks. After the first failure the rest waits for the next cycle.
func (m *Monitor) save(ctx context.Context, leaks []leak.Leak) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	done := make([]bool, len(leaks))
	for i, l := range leaks {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err := m.o.Archive.SaveLeak(ctx, l)
			done[i] = err == nil
			return err
		})
	}
	m.archiveState(group.Wait())
	for i, l := range leaks {
		if done[i] {
			m.saved[l.ID] = digest(l)
		}
	}
}

// archiveState logs when the bucket fails, and when it works again.
func (m *Monitor) archiveState(err error) {
	state, text := "", ""
	if err != nil {
		state, text = "failing", err.Error()
	}
	m.archive.Store(&text)
	m.log.say(m.logger, "archive", state, func(l *slog.Logger) {
		if err != nil {
			l.Error("The archive cannot be written; watching and alerting go on", "err", err)
		} else {
			l.Info("The archive can be written")
		}
	})
}
