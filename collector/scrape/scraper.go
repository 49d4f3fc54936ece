package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
)

// Target is what is scraped.
type Target struct {
	Labels labels.Labels
	URL    *url.URL
	Client *http.Client
}

// Options of a Scraper.
type Options struct {
	// Targets are what is scraped at first; Set changes them.
	Targets []Target
	// Store keeps the samples; default a Memory.
	Store Store
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

// Store keeps what is scraped, and gives it back as series.
type Store interface {
	collector.SeriesSource
	// Append keeps a scrape of an instance. The scrapes of an instance come in
	// time order; those of several come side by side.
	Append(instance labels.Labels, x collector.Scrape) error
}

// Scraper implements collector.SeriesSource while Run runs.
type Scraper struct {
	o Options

	mtx     sync.Mutex
	targets map[string]*target // by labels
	// start begins to scrape a target; nil while Run does not run.
	start func(*target)
}

// target is a target that is scraped.
type target struct {
	Target
	origin *http.Client       // as Set was given it
	stop   context.CancelFunc // nil: not scraped yet

	// failing is why the last scrape failed; the loop's own.
	failing collector.Reason
	// refused: at the last scrape nothing listened there.
	refused atomic.Bool
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
	if o.Store == nil {
		o.Store = NewMemory()
	}
	s := &Scraper{o: o, targets: map[string]*target{}}
	if err := s.Set(o.Targets); err != nil {
		return nil, err
	}
	return s, nil
}

// Set replaces the targets. Those that stay are scraped on in their rhythm. Of
// several with the same labels the first is scraped: they would be one
// instance.
func (s *Scraper) Set(targets []Target) error {
	for _, t := range targets {
		if t.URL == nil || t.Client == nil {
			return errors.New("scrape: URL and Client of a target are required")
		}
	}
	s.mtx.Lock()
	defer s.mtx.Unlock()
	old := s.targets
	s.targets = make(map[string]*target, len(targets))
	for _, t := range targets {
		if problem := collector.LabelsProblem(t.Labels); problem != "" {
			s.o.Logger.Warn("A target is not scraped for its labels", "problem", problem, "url", collector.RedactURL(t.URL))
			continue
		}
		key := string(t.Labels.Bytes(nil))
		if other, taken := s.targets[key]; taken {
			s.o.Logger.Warn("Two targets have the same labels, only the first is scraped",
				"labels", t.Labels, "url", collector.RedactURL(other.URL), "other", collector.RedactURL(t.URL))
			continue
		}
		if same, ok := old[key]; ok && same.URL.String() == t.URL.String() && same.origin == t.Client {
			s.targets[key] = same
			delete(old, key)
			continue
		}
		added := &target{Target: t, origin: t.Client}
		added.Client = fetch.Confine(t.Client, fetch.Rules{
			Advice:   "set scheme, port or metrics_path of its targets to where the metrics are",
			MaxBytes: s.o.MaxBytes, TooLarge: fmt.Sprintf("more than %d MiB of metrics", s.o.MaxBytes>>20),
		})
		s.targets[key] = added
	}
	for _, t := range old {
		if t.stop != nil {
			t.stop()
		}
	}
	if s.start != nil {
		for _, t := range s.targets {
			if t.stop == nil {
				s.start(t)
			}
		}
	}
	return nil
}

// Targets lists what is scraped now.
func (s *Scraper) Targets(context.Context) ([]collector.ScrapeTarget, error) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	out := make([]collector.ScrapeTarget, 0, len(s.targets))
	for _, t := range s.targets {
		out = append(out, collector.ScrapeTarget{Labels: t.Labels, Scheme: t.URL.Scheme, Host: t.URL.Host, Unreachable: t.refused.Load()})
	}
	return out, nil
}

// Run scrapes until ctx is done.
func (s *Scraper) Run(ctx context.Context) {
	var wg sync.WaitGroup
	began := time.Now()
	s.mtx.Lock()
	s.start = func(t *target) {
		own, stop := context.WithCancel(ctx)
		t.stop = stop
		// Spread over the interval, so that they do not come all at once.
		offset := time.Duration(t.Labels.Hash() % uint64(s.o.Interval))
		first := began.Add(offset)
		if late := time.Since(first); late > 0 {
			first = first.Add(late.Truncate(s.o.Interval) + s.o.Interval)
		}
		wg.Go(func() { s.loop(own, t, time.Until(first)) })
	}
	for _, t := range s.targets {
		s.start(t)
	}
	s.mtx.Unlock()

	<-ctx.Done()
	s.mtx.Lock()
	s.start = nil
	for _, t := range s.targets {
		t.stop()
		t.stop = nil
	}
	s.mtx.Unlock()
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
	x, err := t.read(ctx, s.o.Timeout)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		err = s.o.Store.Append(t.Labels, x)
	}
	t.refused.Store(errors.Is(err, syscall.ECONNREFUSED))
	reason, result := collector.Reason(""), "ok"
	if err != nil {
		reason = collector.ReasonOf(err)
		result = string(reason)
	}
	s.o.Metrics.scrapes.WithLabelValues(result).Inc()
	if reason != t.failing {
		t.failing = reason
		if err != nil {
			s.o.Logger.Warn("A target cannot be scraped", "target", t.Labels, "reason", reason, "err", err)
		} else {
			s.o.Logger.Info("A target can be scraped again", "target", t.Labels)
		}
	}
}

// read gets the metrics of a target.
func (t *target) read(ctx context.Context, timeout time.Duration) (x collector.Scrape, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL.String(), nil)
	if err != nil {
		return x, collector.Errorf(collector.ReasonOther, "%s: %w", collector.RedactURL(t.URL), err)
	}
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	req.Header.Set("Accept", string(format))
	now := time.Now()
	resp, err := t.Client.Do(req)
	if err != nil {
		return x, collector.NetworkError(t.URL, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return x, statusError(t.URL, resp.StatusCode)
	}
	body := &body{r: resp.Body}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(body)
	if body.err != nil {
		return x, collector.NetworkError(t.URL, body.err)
	}
	if err != nil {
		return x, collector.Errorf(collector.ReasonBadData, "%s: not metrics: %s", collector.RedactURL(t.URL), collector.Brief(err.Error(), maxText))
	}
	count, ok := value(families["go_goroutines"])
	if !ok {
		return x, collector.Errorf(collector.ReasonBadData, "%s: has no go_goroutines: is it a Go service with the Go collector?", collector.RedactURL(t.URL))
	}
	if !collector.ValidCount(count) {
		return x, collector.Errorf(collector.ReasonBadData, "%s: go_goroutines is %v, which is no number of goroutines", collector.RedactURL(t.URL), count)
	}
	start, ok := value(families["process_start_time_seconds"])
	if !ok {
		start = collector.Unknown
	}
	cpu, ok := value(families["process_cpu_seconds_total"])
	if !ok {
		cpu = collector.Unknown
	}
	return collector.Scrape{T: now.UnixMilli(), Count: count, CPU: cpu, Start: start}, nil
}

// body remembers why reading a response failed: the parser takes any error for a
// mistake in the metrics, or for the end.
type body struct {
	r   io.Reader
	err error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// maxText bounds what is said of metrics that cannot be read.
const maxText = 300

// statusError is the error for a status other than 200.
func statusError(u *url.URL, code int) error {
	advice := ""
	if code == http.StatusUnauthorized || code == http.StatusForbidden {
		advice = ": it wants a login: set authorization or basic_auth in its entry of targets"
	}
	return collector.Errorf(fetch.ReasonOfStatus(code), "%s: %s%s", collector.RedactURL(u), fetch.StatusText(code), advice)
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
func (s *Scraper) Window(ctx context.Context, from, to time.Time) (collector.Window, error) {
	return s.o.Store.Window(ctx, from, to)
}
