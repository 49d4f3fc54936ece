package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
	"github.com/gorowatch/gorowatch/internal/backoff"
	"github.com/gorowatch/gorowatch/internal/grouping"
	"github.com/gorowatch/gorowatch/internal/monitor"
	"github.com/gorowatch/gorowatch/leak"
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
	// RequireLabels makes it an error if no series has one of GroupBy.
	RequireLabels bool
	Trend         trend.Options
	// Workers is how many services are judged in parallel; default 1.
	Workers int
	// Profiles, if set, are recorded profiles, by which growth is attributed to stacks.
	Profiles Recorded
	// Progress, if set, is called after every window.
	Progress func(Progress)

	// Rule, if set, is compared with the leaks; it requires Evaluator, which evaluates it at
	// every Step.
	Rule      *Rule
	Evaluator Evaluator
	// Explain, if set, is the name of the one service that is judged, or a part of its name
	// that no other has.
	Explain string
}

// ErrNoSeries means that there were no series in the whole time.
var ErrNoSeries = errors.New("no go_goroutines series")

// ErrGroupBy means that no series has a label of Options.GroupBy.
var ErrGroupBy = errors.New("--group-by")

// Progress of a scan.
type Progress struct {
	Done     float64 // 0 to 1
	At       time.Time
	Services int
	Series   int
	Leaks    int
}

// Result is the result of a scan.
type Result struct {
	Start, End time.Time // End is how far the scan came
	Step       time.Duration
	Services   int
	Series     int
	Leaks      []leak.Leak
	// Growing are services without an open leak that grow at the end, but not enough, or not
	// long enough, to alert.
	Growing []labels.Labels
	// Comparison is nil without a Rule, Explanation without Explain.
	Comparison  *Comparison
	Explanation *Explanation
	// Warnings are what the source reported besides the data.
	Warnings []string
	// Advice says what the configuration should have.
	Advice []string
	// Signals are the metrics by which the instances were read at the end.
	Signals  []signals.Use
	curves   *curves
	grouping *grouping.Observer
}

// alerted returns the leaks that were alerted. It makes a copy, because the list belongs to the
// monitor.
func alerted(leaks []leak.Leak) []leak.Leak {
	return slices.DeleteFunc(slices.Clone(leaks), func(l leak.Leak) bool { return l.State == leak.Suspected })
}

// Open reports whether a leak is open at the end.
func (r *Result) Open() bool {
	return slices.ContainsFunc(r.Leaks, func(l leak.Leak) bool { return l.State == leak.Firing })
}

// Run scans. If it stops before the end, because ctx is done or the source fails, it returns
// what it found so far with the error. The result is nil if there is none.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	r := &Result{Start: o.Start, End: o.Start, Step: o.Step, curves: newCurves(o.Start, o.End, o.Step, o.GroupBy), grouping: grouping.New(o.GroupBy)}
	var explained *explainer
	mo := monitor.Options{Source: o.Source, Interval: o.Step, GroupBy: o.GroupBy, Trend: o.Trend, KeepAll: true}
	if o.Explain != "" {
		explained = &explainer{want: o.Explain, curves: r.curves}
		mo.OnVerdict = explained.verdict
	}
	var rule *alerts
	if o.Rule != nil {
		rule = newAlerts(*o.Rule, o.Step)
	}
	if o.Profiles != nil {
		r := newRecorded(o.Profiles, o.GroupBy)
		mo.Puller, mo.Archive, mo.BaselineInterval = r, r, recordedPause
	}
	m, err := monitor.New(ctx, mo)
	if err != nil {
		return nil, err
	}
	windows, stop := prefetch(ctx, o)
	defer stop()
	for w := range windows {
		if err = r.walk(ctx, m, w, o.Workers, explained, rule); err != nil {
			break
		}
		if o.Progress != nil {
			o.Progress(Progress{
				Done: float64(r.End.Sub(o.Start)) / float64(o.End.Sub(o.Start)), At: r.End,
				Services: r.Services, Series: r.Series, Leaks: len(alerted(m.Leaks())),
			})
		}
	}
	if err = cmp.Or(err, ctx.Err()); err != nil && r.End.Equal(o.Start) {
		return nil, err
	}
	if len(r.curves.services) == 0 {
		return nil, cmp.Or(err, ErrNoSeries)
	}
	if missing := r.grouping.Missing(); missing != nil && o.RequireLabels {
		return nil, cmp.Or(err, fmt.Errorf("%w: %w", ErrGroupBy, missing))
	}
	r.Advice = r.grouping.Warnings()
	if source, ok := o.Source.(interface{ Signals() []signals.Use }); ok {
		r.Signals = source.Signals()
	}
	r.Leaks = alerted(m.Leaks())
	r.Growing = growing(m, r.Leaks)
	if rule != nil {
		rule.finish(r.End)
		r.Comparison = compare(rule, r.Leaks, r.curves)
	}
	if explained != nil {
		var failed error
		if r.Explanation, failed = explained.explanation(); failed != nil {
			return nil, cmp.Or(err, failed)
		}
	}
	return r, err
}

// complete sets the defaults.
func (o *Options) complete() error {
	if o.Source == nil || !o.Start.Before(o.End) {
		return errors.New("scan: the start is not before the end")
	}
	if o.Rule != nil && o.Evaluator == nil {
		return errors.New("scan: a rule needs an Evaluator")
	}
	if o.Step <= 0 {
		o.Step = time.Minute
	}
	if o.Window <= 0 {
		o.Window = 6 * time.Hour
	}
	// Evaluations are at whole steps, like the daemon's.
	o.Start, o.Window = o.Start.Truncate(o.Step), max(o.Step, o.Window.Truncate(o.Step))
	return nil
}

// walk judges a window. If it fails, earlier results stay.
func (r *Result) walk(ctx context.Context, m *monitor.Monitor, w read, workers int, explained *explainer, rule *alerts) error {
	if w.err != nil {
		return w.err
	}
	services := make([]*course, len(w.Series))
	for i, s := range w.Series {
		services[i] = r.curves.serviceOf(s.Labels)
		r.grouping.Add(s.Labels)
	}
	if explained != nil {
		if err := explained.choose(); err != nil {
			return err
		}
	}
	var series []collector.Series
	for i, s := range w.Series {
		if explained == nil || explained.chosen == services[i] {
			r.curves.add(services[i], s)
			series = append(series, s)
		}
	}
	w.Series = series
	if err := m.Walk(ctx, w.Window, workers); err != nil {
		return err
	}
	if rule != nil {
		if err := rule.add(w.rule); err != nil {
			return err
		}
	}
	r.End, r.Services, r.Series = w.To, len(r.curves.services), r.curves.instances
	for _, text := range w.Warnings {
		if !slices.Contains(r.Warnings, text) {
			r.Warnings = append(r.Warnings, text)
		}
	}
	return nil
}

// growing returns the services that may be leaking and have no leak.
func growing(m *monitor.Monitor, leaks []leak.Leak) []labels.Labels {
	var out []labels.Labels
	for _, s := range m.Services() {
		open := slices.ContainsFunc(leaks, func(l leak.Leak) bool { return l.State == leak.Firing && labels.Equal(l.Service, s.Labels) })
		if (s.Verdict.Status == trend.Suspicious || s.Verdict.Status == trend.Provisional) && !open {
			out = append(out, s.Labels)
		}
	}
	slices.SortFunc(out, labels.Compare)
	return out
}

// read is a window, or the error of reading it.
type read struct {
	collector.Window
	rule model.Matrix
	err  error
}

// attempts is how often a window is requested: a Prometheus that is busy for a moment must not
// cost the work of minutes.
const attempts = 3

// betweenAttempts is how long a scan waits between attempts.
var betweenAttempts = backoff.Policy{First: time.Second, Max: 4 * time.Second}

// prefetch reads the windows one after another, one ahead of the judgement.
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
			for failures := 1; ; failures++ {
				r = o.read(ctx, from, to)
				if r.err == nil || !worthRetrying(r.err) || failures >= attempts || backoff.Sleep(ctx, betweenAttempts.Wait(failures)) != nil {
					break
				}
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

// read reads a window once.
func (o *Options) read(ctx context.Context, from, to time.Time) (r read) {
	var said []string
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if r.Window, err = o.Source.Window(gctx, from, to); err != nil {
			err = fmt.Errorf("reading %s to %s: %w", from.UTC().Format(time.DateTime), to.UTC().Format(time.DateTime), err)
		}
		return err
	})
	if o.Rule != nil {
		g.Go(func() (err error) {
			if r.rule, said, err = o.Evaluator.Matrix(gctx, o.Rule.Expr, from.Add(o.Step), to); err != nil {
				err = fmt.Errorf("the rule to compare with: %w", err)
			}
			return err
		})
	}
	r.err = g.Wait()
	r.Warnings = append(slices.Clip(r.Warnings), said...)
	return r
}

// worthRetrying reports whether an error may be temporary.
func worthRetrying(err error) bool {
	switch collector.ReasonOf(err) {
	case collector.ReasonTimeout, collector.ReasonStatus, collector.ReasonRateLimited, collector.ReasonTruncated:
		return true
	}
	return false
}
