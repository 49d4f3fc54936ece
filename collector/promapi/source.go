package promapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/collector"
)

// Options of a Source. URL and Client are required.
type Options struct {
	URL *url.URL
	// Client authorises; its timeout does not matter.
	Client *http.Client
	// Step between two samples of a series.
	Step time.Duration
	// Timeout of one query, 30 s by default.
	Timeout time.Duration
	// Selector narrows the instances: empty or {label matchers}.
	Selector string
	// Load is the expression for the load of the instances; empty: CPU seconds
	// per second. Its result may have fewer labels than the counts: it then
	// stands for all instances that agree on them.
	Load string
	// MaxPoints bounds the points of a series in one query, 1 000 by default;
	// Prometheus itself refuses more than 11 000.
	MaxPoints int
	// MaxBytes bounds one answer, 512 MiB by default.
	MaxBytes int64

	// Metrics may be nil.
	Metrics *Metrics
}

// Source implements collector.SeriesSource.
type Source struct {
	api       v1.API
	o         Options
	countExpr string
	startExpr string
	loadRange time.Duration // that the load is a rate over
	metrics   *Metrics
}

// New makes a Source. It does not connect.
func New(o Options) (*Source, error) {
	if o.URL == nil || o.Client == nil {
		return nil, errors.New("promapi: URL and Client are required")
	}
	if o.Step <= 0 {
		o.Step = time.Minute
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxPoints <= 0 {
		o.MaxPoints = 1000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 512 << 20
	}
	if o.Load == "" {
		o.Load = "rate(process_cpu_seconds_total" + o.Selector + "[5m])"
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	loadRange, err := longestRange(o.Load)
	if err != nil {
		return nil, fmt.Errorf("promapi: load %q: %w", o.Load, err)
	}
	client := *o.Client
	client.Transport = &guard{next: transportOf(o.Client), maxBytes: o.MaxBytes}
	client.CheckRedirect = sameHost(o.URL, o.Client.CheckRedirect)
	c, err := api.NewClient(api.Config{Address: o.URL.String(), Client: &client})
	if err != nil {
		return nil, fmt.Errorf("promapi: %w", err)
	}
	return &Source{
		api:       v1.NewAPI(c),
		o:         o,
		countExpr: "go_goroutines" + o.Selector,
		startExpr: "process_start_time_seconds" + o.Selector,
		loadRange: loadRange,
		metrics:   o.Metrics,
	}, nil
}

// Window reads the samples at to, to-Step, … in (from, to].
func (s *Source) Window(ctx context.Context, from, to time.Time) (collector.Window, error) {
	w := collector.Window{From: from, To: to}
	if !to.After(from) {
		return w, nil
	}
	j := newJoin(s.metrics, s.loadRange)
	points := int((to.Sub(from) - 1) / s.o.Step) // besides the one at to
	for first := points; first >= 0; first -= s.o.MaxPoints {
		last := max(first-s.o.MaxPoints+1, 0)
		r := v1.Range{
			Start: to.Add(-time.Duration(first) * s.o.Step),
			End:   to.Add(-time.Duration(last) * s.o.Step),
			Step:  s.o.Step,
		}
		if err := s.chunk(ctx, r, j, &w.Warnings); err != nil {
			return collector.Window{}, err
		}
	}
	w.Series = j.series()
	return w, nil
}

// chunk reads the three expressions over one range.
func (s *Source) chunk(ctx context.Context, r v1.Range, j *join, warnings *[]string) error {
	var results [3]struct {
		m model.Matrix
		w v1.Warnings
	}
	g, ctx := errgroup.WithContext(ctx)
	for i, expr := range []string{s.countExpr, s.o.Load, s.startExpr} {
		g.Go(func() (err error) {
			results[i].m, results[i].w, err = s.query(ctx, expr, r)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, res := range results {
		for _, w := range res.w {
			*warnings = appendNew(*warnings, w)
		}
	}
	j.add(results[0].m, results[1].m, results[2].m)
	return nil
}

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

func (s *Source) query(ctx context.Context, expr string, r v1.Range) (model.Matrix, v1.Warnings, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	began := time.Now()
	v, warnings, err := s.api.QueryRange(ctx, expr, r, v1.WithTimeout(s.o.Timeout))
	s.metrics.duration.Observe(time.Since(began).Seconds())
	if err == nil {
		m, ok := v.(model.Matrix)
		if ok {
			s.metrics.queries.WithLabelValues("ok").Inc()
			return m, warnings, nil
		}
		err = collector.Errorf(collector.ReasonBadData, "answered with a %s instead of a matrix", v.Type())
	}
	err = explain(err)
	s.metrics.queries.WithLabelValues(string(collector.ReasonOf(err))).Inc()
	return nil, nil, &collector.Error{
		Reason: collector.ReasonOf(err),
		Err:    fmt.Errorf("prometheus %s: query %s: %w", collector.RedactURL(s.o.URL), strconv.Quote(expr), err),
	}
}

// Targets lists what the Prometheus scrapes now. An error of
// collector.ReasonNotFound: the engine has no such list.
func (s *Source) Targets(ctx context.Context) ([]collector.ScrapeTarget, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	result, err := s.api.Targets(ctx)
	if err != nil {
		err = explain(err)
		return nil, &collector.Error{
			Reason: collector.ReasonOf(err),
			Err:    fmt.Errorf("prometheus %s: targets: %w", collector.RedactURL(s.o.URL), err),
		}
	}
	out := make([]collector.ScrapeTarget, 0, len(result.Active))
	for _, t := range result.Active {
		u, err := url.Parse(t.ScrapeURL)
		if err != nil || u.Host == "" {
			continue // not HTTP: nothing that could have profiles
		}
		out = append(out, collector.ScrapeTarget{Labels: instanceLabels(model.Metric(t.Labels)), URL: u})
	}
	return out, nil
}
