package promapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/collector/promapi/answer"
	"github.com/gorowatch/gorowatch/collector/promapi/apierror"
	"github.com/gorowatch/gorowatch/collector/promapi/client"
	"github.com/gorowatch/gorowatch/collector/promapi/share"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// Options of a Source. URL and Client are required.
type Options struct {
	URL *url.URL
	// Client logs in; its timeout is not used.
	Client *http.Client
	// Params are added to each query, e.g. Thanos' partial_response.
	Params url.Values
	// Step between two samples of a series.
	Step time.Duration
	// Timeout of one query, 30 s by default.
	Timeout time.Duration
	// Selector narrows the instances: empty or {label matchers}.
	Selector string
	// Load is the expression for the load of the instances; empty: that of Signals. Its result
	// may have fewer labels than the counts. It then applies to all instances that agree on
	// them.
	Load string
	// Signals are the metrics that are read, by default signals.Default.
	Signals signals.Set
	// MaxPoints bounds the points of a series in one query, 1 000 by default; Prometheus itself
	// refuses more than 11 000.
	MaxPoints int
	// MaxBytes bounds one answer, 512 MiB by default.
	MaxBytes int64
	// SeriesLimit bounds the instances, 50 000 by default. Known ones stay; the warnings of a
	// window say how many were left out.
	SeriesLimit int
	// ReplicaLabels distinguish the replicas of a Prometheus: series that differ only in them
	// are one instance. None: all series are instances.
	ReplicaLabels []string
	// Share, if set, restricts the source to some services.
	Share *Share

	// Metrics may be nil.
	Metrics *Metrics
}

// Source implements collector.SeriesSource and collector.BlockSource. It remembers the series
// that it has read, because most of an answer is their labels.
type Source struct {
	api     v1.API
	client  *client.Client
	o       Options
	custom  bool // the load is an expression of the user
	metrics *Metrics

	// mtx serializes the windows
	mtx     sync.Mutex
	queries signals.Query
	covered [2]map[string]bool // namespaces whose containers are read, for load and start
	// evaluations counts those since the lists were last read as a whole; withoutStart are the
	// instances that had no start then
	evaluations, withoutStart int
	// completed means that some instances lack the pod among their own labels
	completed bool
	join      join
	replicas  *collector.Replicas
	groups    *vector     // the latest list of the services; only with a Share
	known     share.Known // the services
	listed    time.Time   // the end of the history whose services are known
	loose     [2]bool     // loads and starts that lack a label of the services are read

	shownMtx sync.Mutex
	uses     []signals.Use
	shown    signals.Query // as of the latest window
	// shownCompleted is completed as of the latest window.
	shownCompleted bool
}

var _ collector.BlockSource = (*Source)(nil)

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
	if o.SeriesLimit <= 0 {
		o.SeriesLimit = 50_000
	}
	set, err := o.signals()
	if err != nil {
		return nil, err
	}
	query := signals.Query{Set: set, Selector: o.Selector}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	all := query
	all.LoadContainers = "{}"
	loadRange, err := longestRange(all.Load(signals.Range))
	if err != nil {
		return nil, fmt.Errorf("promapi: load %q: %w", all.Load(signals.Range), err)
	}
	confined := fetch.Confine(o.Client, fetch.Rules{
		Advice:   "set prometheus.url to the address that answers",
		MaxBytes: o.MaxBytes, TooLarge: fmt.Sprintf("answer of more than %d MiB", o.MaxBytes>>20),
	})
	confined.Transport = &apierror.Guard{Next: confined.Transport}
	c, err := api.NewClient(api.Config{Address: o.URL.String(), Client: confined})
	if err != nil {
		return nil, fmt.Errorf("promapi: %w", err)
	}
	s := &Source{
		api:         v1.NewAPI(c),
		client:      client.New(client.Options{HTTP: confined, URL: o.URL, Params: o.Params, Timeout: o.Timeout, Queries: o.Metrics.queries, Duration: o.Metrics.duration}),
		o:           o,
		custom:      set.Load.HasExpression(),
		queries:     query,
		evaluations: fullInterval,
		shown:       query,
		metrics:     o.Metrics,
		replicas:    collector.NewReplicas(o.ReplicaLabels),
		join: join{
			// Processes without goroutines may have a load, too.
			counts: newVector(o.SeriesLimit, set.Goroutines),
			loads:  newVector(2*maxReplicas*o.SeriesLimit, set.Load), starts: newVector(2*maxReplicas*o.SeriesLimit, set.Start),
			metrics: o.Metrics, young: loadRange, units: set.Load.Units(), creates: set.Load.Creates(),
		},
	}
	s.join.counts.named, s.join.counts.completed = true, true
	if o.Share != nil {
		s.join.counts.keep = o.Share.owns
		s.groups = newVector(maxGroups, signals.List{{}})
		s.groups.named = true
		s.known.Every = o.Share.every()
	}
	if s.replicas != nil {
		s.join.counts.replicas, s.join.counts.instances = s.replicas, map[key]int{}
	}
	return s, nil
}

// Window reads the samples at to, to-Step, … in (from, to].
func (s *Source) Window(ctx context.Context, from, to time.Time) (collector.Window, error) {
	if !to.After(from) {
		return collector.Window{From: from, To: to}, nil
	}
	points := int((to.Sub(from) - 1) / s.o.Step) // besides the one at to
	span := v1.Range{Start: to.Add(-time.Duration(points) * s.o.Step), End: to, Step: s.o.Step}
	return s.window(ctx, from, to, span, 0, (*signals.Query).Goroutines)
}

// Blocks implements collector.BlockSource. The minima are over the steps that Window would have
// read; the server finds them.
func (s *Source) Blocks(ctx context.Context, from, to time.Time, length time.Duration) (collector.Window, error) {
	if length < s.o.Step || length%s.o.Step != 0 {
		return collector.Window{}, fmt.Errorf("promapi: blocks of %s are not made of steps of %s", length, s.o.Step)
	}
	if to.Sub(from) < length {
		return collector.Window{From: from, To: to}, nil
	}
	// Half a step less than the block, so that its first step is within the range and the last
	// one of the block before is not. Servers differ in whether the beginning of a range
	// belongs to it (Prometheus 2) or not (3).
	within := length - s.o.Step
	floor := func(q *signals.Query) string { return q.GoroutinesOver("min_over_time", within+s.o.Step/2, s.o.Step) }
	span := v1.Range{Start: from.Add(within), End: to.Add(-s.o.Step), Step: length}
	return s.window(ctx, from, to, span, within, floor)
}

// window reads the counts, loads and starts at the steps of a span, as many at a time as one
// query may have. Samples stand for the time from within before them.
func (s *Source) window(ctx context.Context, from, to time.Time, span v1.Range, within time.Duration, counts expression) (collector.Window, error) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	w := collector.Window{From: from, To: to}
	j := &s.join
	j.begin(from, to)
	length := time.Duration(s.o.MaxPoints-1) * span.Step
	for first := span.Start; !first.After(span.End); first = first.Add(length + span.Step) {
		last := first.Add(length)
		if last.After(span.End) {
			last = span.End
		}
		r := v1.Range{Start: first, End: last, Step: span.Step}
		groups, err := s.readGroups(ctx, r, within, counts, &w.Warnings)
		if err != nil {
			return collector.Window{}, err
		}
		if err := s.chunk(ctx, r, counts, groups, &w.Warnings); err != nil {
			return collector.Window{}, err
		}
		j.add(within)
	}
	s.count()
	merged, notes := s.replicas.Merge(j.end(), from)
	w.Series = merged
	for _, text := range notes {
		w.Warnings = appendNew(w.Warnings, text)
	}
	if text := s.client.Clock(); text != "" {
		w.Warnings = appendNew(w.Warnings, text)
	}
	for _, v := range []*vector{j.counts, j.loads, j.starts} {
		v.forget()
	}
	return w, nil
}

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	if len(list) >= 3*answer.MaxWarnings {
		return list
	}
	return append(list, s)
}
