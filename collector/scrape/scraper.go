package scrape

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// maxSamples bounds what is kept of a target.
const maxSamples = 10_000

// Target is what is scraped.
type Target struct {
	Labels labels.Labels
	URL    *url.URL
	Client *http.Client
}

// Options of a Scraper.
type Options struct {
	Targets []Target
	// Interval between two scrapes of a target; default 15 s.
	Interval time.Duration
	// Timeout of a scrape; default 10 s, at most Interval.
	Timeout time.Duration
	// MaxBytes bounds the metrics of one target; default 32 MiB.
	MaxBytes int64

	Logger *slog.Logger
	// Metrics may be nil.
	Metrics *Metrics
}

// Metrics of the scrapes. They outlive a Scraper: a reload makes a new one.
type Metrics struct{ scrapes *prometheus.CounterVec }

// NewMetrics makes the metrics and registers them with reg, unless it is nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Name: "gorowatch_scrapes_total",
		Help: "Scrapes of metrics by result: ok or the reason of the failure.",
	}, []string{"result"})}
	m.scrapes.WithLabelValues("ok")
	for _, r := range collector.Reasons {
		m.scrapes.WithLabelValues(string(r))
	}
	return m
}

// Scraper implements collector.SeriesSource while Run runs.
type Scraper struct {
	o       Options
	targets []*target
}

// target is a target and its samples.
type target struct {
	Target

	mtx     sync.Mutex
	samples []collector.Sample

	// Owned by the loop.
	cpu     float64 // counter at the last scrape
	failing collector.Reason
}

// New makes a Scraper.
func New(o Options) (*Scraper, error) {
	if o.Interval <= 0 {
		o.Interval = 15 * time.Second
	}
	if o.Timeout <= 0 || o.Timeout > o.Interval {
		o.Timeout = min(10*time.Second, o.Interval)
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 32 << 20
	}
	if o.Logger == nil {
		o.Logger = promslog.NewNopLogger()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	s := &Scraper{o: o}
	for _, t := range o.Targets {
		if t.URL == nil || t.Client == nil {
			return nil, errors.New("scrape: URL and Client of a target are required")
		}
		client := *t.Client
		client.CheckRedirect = sameHost(client.CheckRedirect)
		t.Client = &client
		s.targets = append(s.targets, &target{Target: t})
	}
	return s, nil
}

// sameHost refuses a redirect to another host: the client's login would go
// there too. Within the host, next decides.
func sameHost(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		first := via[0].URL
		switch {
		case next != nil && errors.Is(next(req, via), http.ErrUseLastResponse):
			return http.ErrUseLastResponse // redirects are not followed at all
		case req.URL.Host != first.Host || req.URL.Scheme != first.Scheme:
			return collector.Errorf(collector.ReasonRedirect, "redirects to another host, %s, which is not followed", req.URL.Host)
		case len(via) >= 10:
			return collector.Errorf(collector.ReasonRedirect, "redirects in circles")
		}
		return nil
	}
}

// Run scrapes until ctx is done.
func (s *Scraper) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for i, t := range s.targets {
		// Spread over the interval, so that they do not come all at once.
		offset := s.o.Interval * time.Duration(i) / time.Duration(len(s.targets))
		wg.Go(func() { s.loop(ctx, t, offset) })
	}
	wg.Wait()
}

func (s *Scraper) loop(ctx context.Context, t *target, offset time.Duration) {
	select {
	case <-time.After(offset):
	case <-ctx.Done():
		return
	}
	tick := time.NewTicker(s.o.Interval)
	defer tick.Stop()
	for {
		s.scrape(ctx, t)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// scrape takes one sample, and logs when a target begins or ceases to fail.
func (s *Scraper) scrape(ctx context.Context, t *target) {
	sample, cpu, err := t.read(ctx, s.o.Timeout, s.o.MaxBytes)
	if ctx.Err() != nil {
		return
	}
	reason := collector.Reason("")
	if err != nil {
		reason = collector.ReasonOf(err)
		s.o.Metrics.scrapes.WithLabelValues(string(reason)).Inc()
	} else {
		s.o.Metrics.scrapes.WithLabelValues("ok").Inc()
		t.keep(sample, cpu)
	}
	if reason != t.failing {
		t.failing = reason
		if err != nil {
			s.o.Logger.Warn("A target cannot be scraped", "target", t.Labels, "reason", reason, "err", err)
		} else {
			s.o.Logger.Info("A target can be scraped again", "target", t.Labels)
		}
	}
}

// keep adds a sample; its load is the CPU time per second since the one before.
func (t *target) keep(x collector.Sample, cpu float64) {
	t.mtx.Lock()
	defer t.mtx.Unlock()
	x.Load = collector.Unknown
	if n := len(t.samples); n > 0 {
		before := t.samples[n-1]
		if dt := float64(x.T-before.T) / 1000; dt > 0 && cpu >= t.cpu && (x.Start == before.Start || math.IsNaN(x.Start)) {
			x.Load = (cpu - t.cpu) / dt
		}
	}
	t.cpu = cpu
	if len(t.samples) >= maxSamples {
		t.samples = t.samples[:copy(t.samples, t.samples[maxSamples/10:])]
	}
	t.samples = append(t.samples, x)
}

// read gets the metrics of a target.
func (t *target) read(ctx context.Context, timeout time.Duration, maxBytes int64) (x collector.Sample, cpu float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL.String(), nil)
	if err != nil {
		return x, 0, collector.Errorf(collector.ReasonOther, "%s: %w", collector.RedactURL(t.URL), err)
	}
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	req.Header.Set("Accept", string(format))
	now := time.Now()
	resp, err := t.Client.Do(req)
	if err != nil {
		return x, 0, collector.NetworkError(t.URL, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return x, 0, collector.Errorf(statusReason(resp.StatusCode), "%s: %s", collector.RedactURL(t.URL), resp.Status)
	}
	body := &body{r: io.LimitedReader{R: resp.Body, N: maxBytes + 1}}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(body)
	if body.r.N <= 0 {
		return x, 0, collector.Errorf(collector.ReasonTooLarge, "%s: more than %d MiB of metrics", collector.RedactURL(t.URL), maxBytes>>20)
	}
	if body.err != nil {
		return x, 0, collector.NetworkError(t.URL, body.err)
	}
	if err != nil {
		return x, 0, collector.Errorf(collector.ReasonBadData, "%s: not metrics: %w", collector.RedactURL(t.URL), err)
	}
	count, ok := value(families["go_goroutines"])
	if !ok {
		return x, 0, collector.Errorf(collector.ReasonBadData, "%s: has no go_goroutines: is it a Go service with the Go collector?", collector.RedactURL(t.URL))
	}
	start, ok := value(families["process_start_time_seconds"])
	if !ok {
		start = collector.Unknown
	}
	cpu, ok = value(families["process_cpu_seconds_total"])
	if !ok {
		cpu = collector.Unknown
	}
	return collector.Sample{T: now.UnixMilli(), Count: count, Start: start}, cpu, nil
}

// body is the beginning of a response, and what has ended it but its end: the
// parser takes any error for a mistake in the metrics, or for the end.
type body struct {
	r   io.LimitedReader
	err error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

func statusReason(code int) collector.Reason {
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return collector.ReasonUnauthorized
	case http.StatusNotFound:
		return collector.ReasonNotFound
	case http.StatusTooManyRequests:
		return collector.ReasonRateLimited
	}
	return collector.ReasonStatus
}

// value is that of a family with one metric without labels of its own.
func value(f *dto.MetricFamily) (float64, bool) {
	if len(f.GetMetric()) == 0 {
		return 0, false
	}
	m := f.GetMetric()[0]
	switch {
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue(), true
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue(), true
	case m.GetUntyped() != nil:
		return m.GetUntyped().GetValue(), true
	}
	return 0, false
}

// Window implements collector.SeriesSource.
func (s *Scraper) Window(_ context.Context, from, to time.Time) (collector.Window, error) {
	w := collector.Window{From: from, To: to}
	for _, t := range s.targets {
		t.mtx.Lock()
		var in []collector.Sample
		for _, x := range t.samples {
			if x.T > from.UnixMilli() && x.T <= to.UnixMilli() {
				in = append(in, x)
			}
		}
		t.mtx.Unlock()
		if len(in) > 0 {
			w.Series = append(w.Series, collector.Series{Labels: t.Labels, Samples: in})
		}
	}
	return w, nil
}
