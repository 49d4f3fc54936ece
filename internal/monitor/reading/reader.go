package reading

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/journal"
)

// Reader reads the samples of each evaluation. It belongs to one goroutine, except
// for State.
type Reader struct {
	cursor  Cursor
	metrics *metrics
	journal *journal.Journal

	mtx   sync.RWMutex
	state State
}

// State is the result of the last reading of samples.
type State struct {
	// Read is up to when samples were read, Cycles how often reading was tried.
	Read   time.Time
	Cycles int
	// Done is the share of the history that is read, 0 to 1.
	Done float64
	// Error is why the last reading failed; empty: it succeeded. Warnings are those of the source
	// at the last reading that succeeded.
	Error    string
	Warnings []string
}

// Window is the samples that were read for an evaluation.
type Window struct {
	collector.Window
	// Block is the length of the blocks that each sample stands for; 0: plain samples.
	Block time.Duration
	// InHistory reports whether the window is of the time before the start.
	InHistory bool
	// Until is up to when samples have been read now.
	Until time.Time

	piece Piece
}

// NewReader makes a Reader that has read nothing.
func NewReader(j *journal.Journal, reg prometheus.Registerer) *Reader {
	return &Reader{cursor: NewCursor(), metrics: newMetrics(reg), journal: j}
}

// Restart reads the history again.
func (r *Reader) Restart() { r.cursor = NewCursor() }

// Skip moves on to a time whose samples were read elsewhere.
func (r *Reader) Skip(to time.Time) { r.cursor.Skip(to) }

// Behind reports whether there is more to read before the latest evaluation.
func (r *Reader) Behind() bool { return r.cursor.Behind() }

// Now returns the time of the latest evaluation.
func (r *Reader) Now() time.Time { return r.cursor.Now() }

// State returns the result of the last reading. Any goroutine may call it.
func (r *Reader) State() State {
	r.mtx.RLock()
	defer r.mtx.RUnlock()
	return r.state
}

// Read reads the next window for an evaluation at the time now. Unless there is an error, Done must be
// called once the window was fed to the services.
func (r *Reader) Read(ctx context.Context, now time.Time, source collector.SeriesSource, o Options) (Window, error) {
	blocks, condensed := source.(collector.BlockSource)
	o.Condensed = condensed
	p := r.cursor.Next(now, o)
	w := Window{Block: p.Block, piece: p}
	var err error
	if p.Block > 0 {
		w.Window, err = blocks.Blocks(ctx, p.From, p.To, p.Block)
	} else {
		w.Window, err = source.Window(ctx, p.From, p.To)
	}
	if ctx.Err() != nil {
		return Window{}, ctx.Err() // a shutdown is not a failure of the source
	}
	r.mtx.Lock()
	defer r.mtx.Unlock()
	r.state.Cycles++
	if err != nil {
		r.failed(err)
		r.updateProgress()
		return Window{}, err
	}
	r.cursor.Advance(p, o)
	w.Until, w.InHistory = r.cursor.Last(), r.cursor.InHistory()
	r.state.Error, r.state.Warnings, r.state.Read = "", w.Warnings, w.Until
	r.metrics.lastRead.Set(float64(w.Until.UnixMilli()) / 1000)
	r.journal.LogState("series", "", func(l *slog.Logger) { l.Info("Series can be read again", "series", len(w.Series)) })
	r.logWarnings(w.Warnings)
	return w, nil
}

// failed records why samples could not be read. The caller holds mtx.
func (r *Reader) failed(err error) {
	reason := collector.ReasonOf(err)
	r.state.Error = err.Error()
	r.metrics.cycles.WithLabelValues(string(reason)).Inc()
	r.journal.LogState("series", string(reason), func(l *slog.Logger) {
		l.Error("Cannot read series; firing alerts keep firing and no new verdicts are made", "reason", reason, "err", err)
	})
	if reason == collector.ReasonTimeout || reason == collector.ReasonTooLarge {
		r.cursor.Shrink()
	}
}

// Done records how many samples of a window were fed, and how many services there are.
func (r *Reader) Done(w Window, o Options, samples, services int) {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	r.metrics.samples.Add(float64(samples))
	r.cursor.Fed(w.piece, o, samples)
	if !r.Behind() {
		r.metrics.cycles.WithLabelValues("ok").Inc()
		r.metrics.series.Set(float64(len(w.Series)))
		r.logWatched(len(w.Series), services)
	}
	r.updateProgress()
}

// updateProgress shows how far reading has come. The caller holds mtx.
func (r *Reader) updateProgress() {
	behind, done := r.cursor.Progress()
	r.metrics.lag.Set(behind.Seconds())
	r.metrics.progress.Set(done)
	r.state.Done = done
}

// logWatched logs when there is nothing to watch, and when there is again.
func (r *Reader) logWatched(series, services int) {
	state := ""
	if series == 0 {
		state = "empty"
	}
	r.journal.LogState("watched", state, func(l *slog.Logger) {
		if state != "" {
			l.Warn("No go_goroutines series found; check that Prometheus scrapes Go services and that the selector matches")
		} else {
			l.Info("Found series to watch", "series", series, "services", services)
		}
	})
}

// logWarnings logs when the source begins to answer with warnings, and when it stops.
func (r *Reader) logWarnings(warnings []string) {
	state := ""
	if len(warnings) > 0 {
		state = warnings[0]
	}
	r.journal.LogState("warnings", state, func(l *slog.Logger) {
		if state != "" {
			l.Warn("Prometheus answers with a warning", "warnings", warnings)
		} else {
			l.Info("Prometheus answers without a warning again")
		}
	})
}
