package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/monitor"
	"github.com/gorowatch/gorowatch/trend"
)

// Options of a scan. Source, Start and End are required.
type Options struct {
	Source     collector.SeriesSource
	Start, End time.Time
	// Step between two evaluations; default 1 minute.
	Step time.Duration
	// Window is how much is read at once; default 6 hours.
	Window  time.Duration
	GroupBy []string
	Trend   trend.Options
	// Workers judge services side by side; default 1.
	Workers int
	// Progress, if set, is told after every window.
	Progress func(Progress)
}

// Progress of a scan.
type Progress struct {
	Done     float64 // 0 to 1
	At       time.Time
	Services int
	Series   int
	Leaks    int
}

// Result is what a scan has found.
type Result struct {
	Start, End time.Time // End: how far it came
	Step       time.Duration
	Services   int
	Series     int
	Leaks      []leak.Leak
	// Warnings are what the source said besides the data.
	Warnings []string
	curves   *curves
}

// Open tells whether a leak is open at the end.
func (r *Result) Open() bool {
	return slices.ContainsFunc(r.Leaks, func(l leak.Leak) bool { return l.State == leak.Firing })
}

// Run scans. When ctx is done before the end, the result is what was found up
// to there and the error that of ctx.
func Run(ctx context.Context, o Options) (*Result, error) {
	if o.Source == nil || !o.Start.Before(o.End) {
		return nil, errors.New("scan: there is no time between the start and the end")
	}
	if o.Step <= 0 {
		o.Step = time.Minute
	}
	if o.Window <= 0 {
		o.Window = 6 * time.Hour
	}
	// Evaluations are at whole steps, as the daemon's are.
	o.Start, o.Window = o.Start.Truncate(o.Step), max(o.Step, o.Window.Truncate(o.Step))
	m, err := monitor.New(ctx, monitor.Options{
		Source: o.Source, Interval: o.Step, GroupBy: o.GroupBy, Trend: o.Trend, KeepAll: true,
	})
	if err != nil {
		return nil, err
	}
	r := &Result{Start: o.Start, End: o.Start, Step: o.Step, curves: newCurves(o.Start, o.End, o.GroupBy)}
	windows, stop := prefetch(ctx, o)
	defer stop()
	for w := range windows {
		if w.err != nil {
			err = w.err
			break
		}
		r.curves.add(w.Window)
		if err = m.Walk(ctx, w.Window, o.Workers); err != nil {
			break
		}
		r.End = w.To
		for _, text := range w.Warnings {
			if !slices.Contains(r.Warnings, text) {
				r.Warnings = append(r.Warnings, text)
			}
		}
		r.Leaks, r.Services, r.Series = m.Leaks(), len(r.curves.services), r.curves.instances
		if o.Progress != nil {
			o.Progress(Progress{
				Done: float64(r.End.Sub(o.Start)) / float64(o.End.Sub(o.Start)), At: r.End,
				Services: r.Services, Series: r.Series, Leaks: len(r.Leaks),
			})
		}
	}
	r.Leaks = m.Leaks()
	return r, errors.Join(err, ctx.Err())
}

// read is a window, or why it could not be read.
type read struct {
	collector.Window
	err error
}

// attempts is how often a window is asked for: a Prometheus that is busy for a
// moment must not cost the work of minutes.
const attempts = 3

// prefetch reads the windows one after another, one ahead of what is judged.
func prefetch(ctx context.Context, o Options) (<-chan read, func()) {
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan read)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(out)
		for from := o.Start; from.Before(o.End); from = from.Add(o.Window) {
			to := from.Add(o.Window)
			if to.After(o.End) {
				to = o.End
			}
			var r read
			for i := range attempts {
				if r.Window, r.err = o.Source.Window(ctx, from, to); r.err == nil || !worthRetrying(r.err) || !pause(ctx, i) {
					break
				}
			}
			if r.err != nil {
				r.err = fmt.Errorf("reading %s to %s: %w", from.UTC().Format(time.DateTime), to.UTC().Format(time.DateTime), r.err)
			}
			select {
			case out <- r:
			case <-ctx.Done():
				return
			}
			if r.err != nil {
				return
			}
		}
	}()
	return out, func() { cancel(); <-done }
}

// worthRetrying tells what may pass from what will not.
func worthRetrying(err error) bool {
	switch collector.ReasonOf(err) {
	case collector.ReasonTimeout, collector.ReasonStatus, collector.ReasonRateLimited, collector.ReasonTruncated:
		return true
	}
	return false
}

// pause waits longer each time; false: ctx is done.
func pause(ctx context.Context, i int) bool {
	select {
	case <-time.After(time.Second << i):
		return true
	case <-ctx.Done():
		return false
	}
}
