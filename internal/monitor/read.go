package monitor

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// Behind reports whether there is more to read before the latest evaluation.
func (m *Monitor) Behind() bool { return m.cursor.Behind() }

// read feeds the next piece of samples to the services, and returns the number of
// series.
func (m *Monitor) read(ctx context.Context, now time.Time) (int, error) {
	o := m.o.backfill()
	p := m.cursor.Next(now, o)
	var w collector.Window
	var err error
	if p.Block > 0 {
		w, err = m.o.Source.(collector.BlockSource).Blocks(ctx, p.From, p.To, p.Block)
	} else {
		w, err = m.o.Source.Window(ctx, p.From, p.To)
	}
	if ctx.Err() != nil {
		return 0, ctx.Err() // a shutdown is no failure of the source
	}
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.state.Cycles++
	defer m.updateProgress()
	if err != nil {
		m.readFailed(err)
		return 0, err
	}
	m.cursor.Advance(p, o)
	last := m.cursor.Last()
	m.state.Error, m.state.Warnings, m.state.Read = "", w.Warnings, last
	m.metrics.lastRead.Set(float64(last.UnixMilli()) / 1000)
	m.journal.LogState("series", "", func(l *slog.Logger) { l.Info("Series can be read", "series", len(w.Series)) })
	m.logWarnings(w.Warnings)
	if len(w.Series) > 0 {
		m.sampled = last
	}
	samples := 0
	if m.cursor.InHistory() {
		samples = m.replay(w, p.Block)
	} else {
		samples = m.feed(w, p.Block)
	}
	m.metrics.samples.Add(float64(samples))
	m.cursor.Fed(p, o, samples)
	if !m.Behind() {
		m.metrics.cycles.WithLabelValues("ok").Inc()
		m.metrics.series.Set(float64(len(w.Series)))
		m.logWatched(len(w.Series))
	}
	return len(w.Series), nil
}

// readFailed notes why samples could not be read. The caller holds mtx.
func (m *Monitor) readFailed(err error) {
	reason := collector.ReasonOf(err)
	m.state.Error = err.Error()
	m.metrics.cycles.WithLabelValues(string(reason)).Inc()
	m.journal.LogState("series", string(reason), func(l *slog.Logger) {
		l.Error("Cannot read series; what fires goes on, nothing else is judged", "reason", reason, "err", err)
	})
	if reason == collector.ReasonTimeout || reason == collector.ReasonTooLarge {
		m.cursor.Shrink()
	}
}

// updateProgress shows how far reading has come. The caller holds mtx.
func (m *Monitor) updateProgress() {
	behind, done := m.cursor.Progress()
	m.metrics.lag.Set(behind.Seconds())
	m.metrics.progress.Set(done)
	m.state.Done = done
}

// CurrentLabels returns the labels that a watched instance has now; watched is false
// if there is no such instance. It is called by the caller of Cycle.
func (m *Monitor) CurrentLabels(instance labels.Labels) (now labels.Labels, watched bool) {
	return m.fleet.CurrentLabels(instance)
}

// logWatched logs when there is nothing to watch, and when there is again.
func (m *Monitor) logWatched(series int) {
	state := ""
	if series == 0 {
		state = "empty"
	}
	m.journal.LogState("watched", state, func(l *slog.Logger) {
		if state != "" {
			l.Warn("There is no go_goroutines series to watch; does Prometheus scrape Go services, does the selector match?")
		} else {
			l.Info("There are series to watch", "series", series, "services", len(m.services))
		}
	})
}

// logWarnings logs when the source begins to answer with warnings, and when it stops.
func (m *Monitor) logWarnings(warnings []string) {
	state := ""
	if len(warnings) > 0 {
		state = warnings[0]
	}
	m.journal.LogState("warnings", state, func(l *slog.Logger) {
		if state != "" {
			l.Warn("Prometheus answers with a warning", "warnings", warnings)
		} else {
			l.Info("Prometheus answers without a warning again")
		}
	})
}
