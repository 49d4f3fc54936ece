package monitor

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
)

// How a long time is read: the last fineBlocks base blocks as they are, which
// the shortest scale has to see, and what is before in the minima of
// coarseBlocks, which is as much as the other scales are made of.
const (
	fineBlocks   = 60
	coarseBlocks = 5
)

// pieceSamples bounds the samples that are read at once, and with them memory
// and what an error costs.
const pieceSamples = 100_000

// reading is how far reading has come.
type reading struct {
	last  time.Time // up to where samples were read; zero: nothing was
	begin time.Time // of the time that is being caught up with
	now   time.Time // the latest evaluation
	steps int       // of the next piece
	// history: what is read is of the time before the start.
	history bool
}

// newReading begins with a small piece: who knows how many series there are.
func newReading() reading { return reading{steps: 10, history: true} }

// Behind tells that there is more to be read before the latest evaluation.
func (m *Monitor) Behind() bool { return m.reading.last.Before(m.reading.now) }

// piece is a time to read. In blocks, it is from from, included, to to,
// excluded; else the other way round.
type piece struct {
	from, to time.Time
	blocks   time.Duration // 0: not in blocks
}

// next is the next piece to read at the time now.
func (m *Monitor) next(now time.Time) piece {
	r := &m.reading
	from := r.last
	if oldest := now.Add(-max(m.o.History, m.o.Interval)); from.Before(oldest) {
		from, r.begin = oldest, oldest
	}
	if r.begin.IsZero() {
		r.begin = from
	}
	first := from.Add(m.o.Interval) // step to read
	length := coarseBlocks * m.o.Trend.Base
	recent := multiple(now.Add(-fineBlocks*m.o.Trend.Base), length)
	if _, ok := m.o.Source.(collector.BlockSource); ok && length > m.o.Interval && length%m.o.Interval == 0 && first.Before(recent) {
		edge := multiple(first, length)
		if edge.Before(first) && !r.last.IsZero() {
			// As it is, up to where a block begins.
			return piece{from: from, to: edge.Add(length - m.o.Interval)}
		}
		return piece{from: edge, to: earlier(edge.Add(time.Duration(r.steps)*length), recent), blocks: length}
	}
	return piece{from: from, to: earlier(from.Add(time.Duration(r.steps)*m.o.Interval), now)}
}

// multiple is the latest whole multiple of d since the epoch that is not after t.
func multiple(t time.Time, d time.Duration) time.Time {
	return t.Add(-time.Duration(t.UnixNano() % int64(d)))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// read feeds the next piece of samples to the services, and returns the number
// of series.
func (m *Monitor) read(ctx context.Context, now time.Time) (int, error) {
	m.reading.now = now
	p := m.next(now)
	var w collector.Window
	var err error
	if p.blocks > 0 {
		w, err = m.o.Source.(collector.BlockSource).Blocks(ctx, p.from, p.to, p.blocks)
	} else {
		w, err = m.o.Source.Window(ctx, p.from, p.to)
	}
	if ctx.Err() != nil {
		return 0, ctx.Err() // the end, which is no failure of the source
	}
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.state.Cycles++
	defer m.progress()
	if err != nil {
		m.state.Error = err.Error()
		m.metrics.cycles.WithLabelValues(string(collector.ReasonOf(err))).Inc()
		m.log.say(m.logger, "series", string(collector.ReasonOf(err)), func(l *slog.Logger) {
			l.Error("Cannot read series; what fires goes on, nothing else is judged", "reason", collector.ReasonOf(err), "err", err)
		})
		switch collector.ReasonOf(err) {
		case collector.ReasonTimeout, collector.ReasonTooLarge:
			m.reading.steps = max(1, m.reading.steps/2) // it was too much
		}
		return 0, err
	}
	m.reading.last = p.to
	if p.blocks > 0 {
		m.reading.last = p.to.Add(-m.o.Interval)
	}
	m.state.Error, m.state.Warnings, m.state.Read = "", w.Warnings, m.reading.last
	m.metrics.lastRead.Set(float64(m.reading.last.UnixMilli()) / 1000)
	m.log.say(m.logger, "series", "", func(l *slog.Logger) { l.Info("Series can be read", "series", len(w.Series)) })
	m.logWarnings(w.Warnings)
	if len(w.Series) > 0 {
		m.sampled = m.reading.last
	}
	samples := 0
	if m.reading.history {
		samples = m.replay(w, p.blocks)
	} else {
		samples = m.feed(w.Series, p.blocks)
	}
	m.reading.history = m.reading.history && m.Behind()
	m.metrics.samples.Add(float64(samples))
	m.resize(p, samples)
	if !m.Behind() {
		m.metrics.cycles.WithLabelValues("ok").Inc()
		m.metrics.series.Set(float64(len(w.Series)))
		m.logWatched(len(w.Series))
	}
	return len(w.Series), nil
}

// progress tells how far reading is. The caller holds mtx.
func (m *Monitor) progress() {
	r := &m.reading
	behind := max(0, r.now.Sub(r.last))
	if r.last.IsZero() {
		behind = r.now.Sub(r.begin)
	}
	done := 1.0
	if all := r.now.Sub(r.begin); behind > 0 && all > 0 {
		done = 1 - behind.Seconds()/all.Seconds()
	}
	if behind == 0 {
		r.begin = r.last
	}
	m.metrics.lag.Set(behind.Seconds())
	m.metrics.progress.Set(max(0, done))
	m.state.Done = max(0, done)
}

// resize makes the next piece as long as pieceSamples let it, by what this one
// brought, but not all at once.
func (m *Monitor) resize(p piece, samples int) {
	step := m.o.Interval
	if p.blocks > 0 {
		step = p.blocks
	}
	fit := pieceSamples
	if samples > 0 {
		fit = int(float64(pieceSamples) * float64(p.to.Sub(p.from)/step) / float64(samples))
	}
	m.reading.steps = max(1, min(fit, 4*m.reading.steps))
}

// feed gives the samples to the services, each that stands for a block once for
// every step of it, and returns how many there were.
func (m *Monitor) feed(all []collector.Series, block time.Duration) (samples int) {
	var strangers []*collector.Series
	for i := range all {
		series := &all[i]
		if len(series.Samples) == 0 {
			continue
		}
		samples += len(series.Samples)
		if place, ok := m.fleet.Find(series.Labels); ok {
			m.observe(place, series.Samples, block)
		} else {
			strangers = append(strangers, series)
		}
	}
	slices.SortStableFunc(strangers, byFirst)
	for _, series := range strangers {
		m.observe(m.fleet.Register(series.Labels, series.Samples[0]), series.Samples, block)
	}
	m.fleet.Prune(len(all))
	return samples
}

// byFirst orders series by their first samples. Those of a window that are new
// come after the others and in this order, so that it is known of each whether it
// goes on where one with other labels has ended.
func byFirst(a, b *collector.Series) int { return cmp.Compare(a.Samples[0].T, b.Samples[0].T) }

// observe gives the samples of a series to its instance, if that is ours.
func (m *Monitor) observe(place fleet.Series, samples []collector.Sample, block time.Duration) {
	if place.Service == nil {
		return
	}
	s := m.service(place.Service)
	step := m.o.Interval.Milliseconds()
	back := max(0, block.Milliseconds()-step)
	for _, x := range samples {
		for t, end := x.T-back, x.T; t <= end; t += step {
			x.T = t
			s.observe(place.Instance, x)
		}
	}
	place.Instance.Extend(samples)
}

// Watches tells whether an instance is watched, and what its labels are now. It is
// called by the caller of Cycle.
func (m *Monitor) Watches(instance labels.Labels) (now labels.Labels, watched bool) {
	return m.fleet.CurrentLabels(instance)
}

// logWatched logs when there is nothing to watch, and when there is again.
func (m *Monitor) logWatched(series int) {
	state := ""
	if series == 0 {
		state = "empty"
	}
	m.log.say(m.logger, "watched", state, func(l *slog.Logger) {
		if state != "" {
			l.Warn("There is no go_goroutines series to watch; does Prometheus scrape Go services, does the selector match?")
		} else {
			l.Info("There are series to watch", "series", series, "services", len(m.services))
		}
	})
}
