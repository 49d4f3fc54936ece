package scrape

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// Target is what is scraped.
type Target struct {
	Labels labels.Labels
	URL    *url.URL
	Client *http.Client
}

// Options of a Scraper.
type Options struct {
	// Targets are the initial targets; Set changes them.
	Targets []Target
	// Store keeps the samples; default a Memory.
	Store Store
	// Signals are the metrics that are read, by default signals.Default. Expressions and
	// metrics of containers are not possible.
	Signals signals.Set
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

// Store stores scrapes, and returns them as series.
type Store interface {
	collector.SeriesSource
	// Append adds a scrape of an instance. The scrapes of one instance come in time order;
	// those of several may come at the same time.
	Append(instance labels.Labels, x collector.Scrape) error
	// SetSignals sets the metrics of later scrapes.
	SetSignals(set signals.Set)
	// Signals returns the metrics by which the instances were read last.
	Signals() []signals.Use
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
	origin *http.Client       // the client that Set got
	stop   context.CancelFunc // nil: not scraped yet

	// failing is why the last scrape failed. Only the loop uses it.
	failing collector.Reason
	// refused means that nothing listened at the last scrape.
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
	if len(o.Signals.Goroutines) == 0 {
		o.Signals = signals.Default()
	}
	if err := o.Signals.CheckNames(); err != nil {
		return nil, err
	}
	s := &Scraper{o: o, targets: map[string]*target{}}
	if err := s.Set(o.Targets); err != nil {
		return nil, err
	}
	return s, nil
}

// Set replaces the targets. Those that stay keep their rhythm. Of several with the same labels
// only the first is scraped, because they would be one instance.
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
			s.o.Logger.Warn("Target has invalid labels; it is not scraped", "problem", problem, "url", collector.RedactURL(t.URL))
			continue
		}
		key := string(t.Labels.Bytes(nil))
		if other, taken := s.targets[key]; taken {
			s.o.Logger.Warn("Two targets have the same labels; only the first is scraped",
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

// Targets lists the current targets.
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
	s.o.Store.SetSignals(s.o.Signals)
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

// scrape takes one sample, and logs when a target begins or stops failing.
func (s *Scraper) scrape(ctx context.Context, t *target) {
	x, err := t.read(ctx, s.o.Timeout, &s.o.Signals)
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
			s.o.Logger.Warn("Cannot scrape a target", "target", t.Labels, "reason", reason, "err", err)
		} else {
			s.o.Logger.Info("Target scraped again", "target", t.Labels)
		}
	}
}

// Signals returns the metrics by which the instances were read last.
func (s *Scraper) Signals() []signals.Use { return s.o.Store.Signals() }

// Window implements collector.SeriesSource.
func (s *Scraper) Window(ctx context.Context, from, to time.Time) (collector.Window, error) {
	return s.o.Store.Window(ctx, from, to)
}
