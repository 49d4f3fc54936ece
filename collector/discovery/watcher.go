package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/common/promslog"
	sd "github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// WatcherOptions are the options of a Watcher.
type WatcherOptions struct {
	// Hold is how long the targets of a set stay after its service discovery returns none at
	// all, which is usually a mistake. Default 5 minutes.
	Hold time.Duration
	// OnUpdate, if set, is called when the targets may have changed.
	OnUpdate func()
	// Now is the clock; default time.Now.
	Now    func() time.Time
	Logger *slog.Logger
	// Registerer gets the metrics of Prometheus' service discovery; may be nil.
	Registerer prom.Registerer
}

// Watcher runs Prometheus' service discovery and keeps what it finds.
type Watcher struct {
	o       WatcherOptions
	manager *sd.Manager
	metrics *sd.SDMetrics
	stop    context.CancelFunc
	trouble trouble

	mtx  sync.RWMutex
	sets []*found // in the order of the configuration
	// named is the list of their names, for people
	named string
}

// found is what a set has found, and the index by which instances find it.
type found struct {
	Set
	groups    []*targetgroup.Group // of the last update
	endpoints []*Endpoint
	byKey     map[string][]*Endpoint
	// emptied is when the mechanisms lost their last target; zero: they have some.
	emptied time.Time
	// over is the number of targets beyond the limit.
	over int
	pods pods
}

// NewWatcher makes a Watcher without targets. Its mechanisms run from the first Apply on; Run
// records what they find, and ends them.
func NewWatcher(o WatcherOptions) (*Watcher, error) {
	if o.Hold <= 0 {
		o.Hold = 5 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = promslog.NewNopLogger()
	}
	if o.Registerer == nil {
		o.Registerer = prom.NewRegistry()
	}
	metrics, err := sd.CreateAndRegisterSDMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("service discovery: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &Watcher{o: o, metrics: metrics, stop: stop, trouble: trouble{now: o.Now}}
	promauto.With(o.Registerer).NewGaugeFunc(prom.GaugeOpts{
		Name: "gorowatch_discovery_problems",
		Help: "Current problems of service discovery, such as a missing right to list pods. The status page shows them.",
	}, func() float64 { return float64(len(w.trouble.list(o.Now()))) })
	if w.manager = sd.NewManager(ctx, w.Listen(o.Logger), o.Registerer, metrics, sd.Name("gorowatch")); w.manager == nil {
		stop()
		return nil, errors.New("service discovery: its metrics are registered already")
	}
	return w, nil
}

// Listen makes a logger that logs as l does, and turns errors into warnings. The libraries of
// mechanisms report problems in no other way.
func (w *Watcher) Listen(l *slog.Logger) *slog.Logger {
	return slog.New(listener{l.Handler(), &w.trouble})
}

// Check makes the mechanisms of a set and discards them, so that a mistake shows before
// anything changes. It opens no connection.
func (w *Watcher) Check(s Set) error {
	for _, c := range s.Configs {
		_, err := c.NewDiscoverer(sd.DiscovererOptions{
			Logger: promslog.NewNopLogger(), Metrics: w.metrics.MechanismMetrics[c.Name()], SetName: s.Name,
		})
		if err != nil {
			return fmt.Errorf("%s.%s_sd_configs: %w", s.Name, c.Name(), err)
		}
	}
	return nil
}

// Apply replaces the sets. Mechanisms whose configuration has not changed continue, with their
// targets.
func (w *Watcher) Apply(sets []Set) error {
	configs := map[string]sd.Configs{}
	w.mtx.Lock()
	before := w.sets
	w.sets = nil
	for _, s := range sets {
		f := &found{Set: s}
		for _, b := range before {
			if b.Name == s.Name && reflect.DeepEqual(b.Configs, s.Configs) {
				f.groups, f.emptied, f.pods = b.groups, b.emptied, b.pods
			}
		}
		f.build()
		w.sets = append(w.sets, f)
		configs[s.Name] = s.Configs
	}
	w.named = strings.Join(slices.Sorted(maps.Keys(configs)), ", ")
	w.mtx.Unlock()
	return w.manager.ApplyConfig(configs)
}

// Run records what is found, until ctx is done. It is called once.
func (w *Watcher) Run(ctx context.Context) {
	defer w.Stop()
	var running sync.WaitGroup
	running.Go(func() { _ = w.manager.Run() })
	defer running.Wait()
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case all := <-w.manager.SyncCh():
			w.update(all)
			if w.o.OnUpdate != nil {
				w.o.OnUpdate()
			}
		}
	}
}

// Stop ends the mechanisms of a Watcher whose Run is never called.
func (w *Watcher) Stop() { w.stop() }

// update records the groups of all sets.
func (w *Watcher) update(all map[string][]*targetgroup.Group) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	for _, f := range w.sets {
		groups, ok := all[f.Name]
		if !ok {
			continue
		}
		f.update(groups, w.o.Now())
		if f.over > 0 {
			w.o.Logger.Warn("Too many targets; no profiles are pulled from those beyond the limit",
				"set", f.Name, "limit", f.Limit, "found", f.Limit+f.over)
		}
	}
}

func (f *found) update(groups []*targetgroup.Group, now time.Time) {
	if targetsIn(groups) == 0 && targetsIn(f.groups) > 0 {
		if f.emptied.IsZero() {
			f.emptied = now
		}
		return
	}
	f.pods.update(groups, now)
	f.groups, f.emptied = groups, time.Time{}
	f.build()
}

func targetsIn(groups []*targetgroup.Group) (n int) {
	for _, g := range groups {
		n += len(g.Targets)
	}
	return n
}

// build makes the endpoints of the groups, and their index.
func (f *found) build() {
	f.endpoints = f.Set.endpoints(f.groups)
	slices.SortFunc(f.endpoints, func(a, b *Endpoint) int { return labels.Compare(a.Labels, b.Labels) })
	f.over = 0
	if f.Limit > 0 && len(f.endpoints) > f.Limit {
		f.over = len(f.endpoints) - f.Limit
		f.endpoints = f.endpoints[:f.Limit]
	}
	f.byKey = map[string][]*Endpoint{}
	for _, e := range f.endpoints {
		for _, key := range f.keys(e.Labels) {
			f.byKey[key] = append(f.byKey[key], e)
		}
	}
}

// live reports whether the targets of a set still count.
func (f *found) live(now time.Time, hold time.Duration) bool {
	return f.emptied.IsZero() || now.Sub(f.emptied) < hold
}

// Endpoints returns all targets that are known at a time.
func (w *Watcher) Endpoints(now time.Time) []*Endpoint {
	w.mtx.RLock()
	defer w.mtx.RUnlock()
	var out []*Endpoint
	for _, f := range w.sets {
		if f.live(now, w.o.Hold) {
			out = append(out, f.endpoints...)
		}
	}
	return out
}

// Problems says what the mechanisms cannot do now, in words.
func (w *Watcher) Problems(now time.Time) []string { return w.trouble.list(now) }

// Warnings says what is wrong with whole sets, in words, and what the mechanisms cannot do.
func (w *Watcher) Warnings(now time.Time) (out []string) {
	w.mtx.RLock()
	defer w.mtx.RUnlock()
	for _, f := range w.sets {
		switch {
		case f.over > 0:
			out = append(out, fmt.Sprintf("%s: service discovery finds %d targets, and only %d of them are used (target_limit); drop other programs with relabel_configs, or raise the limit",
				f.Name, f.Limit+f.over, f.Limit))
		case !f.emptied.IsZero() && f.live(now, w.o.Hold):
			out = append(out, fmt.Sprintf("%s: service discovery has returned no targets since %s; the previous ones are kept for %s",
				f.Name, f.emptied.UTC().Format(time.TimeOnly), w.o.Hold))
		}
	}
	return append(out, w.trouble.list(now)...)
}

// Found is the number of targets of a set.
type Found struct {
	Set     string
	Targets int
}

// Found returns what the sets have found, in the order of the configuration.
func (w *Watcher) Found(now time.Time) []Found {
	w.mtx.RLock()
	defer w.mtx.RUnlock()
	out := make([]Found, 0, len(w.sets))
	for _, f := range w.sets {
		x := Found{Set: f.Name}
		if f.live(now, w.o.Hold) {
			x.Targets = len(f.endpoints)
		}
		out = append(out, x)
	}
	return out
}

// find returns the target of an instance; nil without an error: no set has it. The first set
// that does counts.
func (w *Watcher) find(now time.Time, instance labels.Labels) (*Endpoint, error) {
	w.mtx.RLock()
	defer w.mtx.RUnlock()
	for _, f := range w.sets {
		if !f.live(now, w.o.Hold) {
			continue
		}
		if e, err := f.find(instance); e != nil || err != nil {
			return e, err
		}
	}
	if since, gone := w.gone(instance); gone {
		return nil, collector.Errorf(collector.ReasonGone, "the pod has been gone since %s", since.UTC().Format(time.TimeOnly))
	}
	return nil, nil
}

// names returns the names of the watched sets, for people.
func (w *Watcher) names() string {
	w.mtx.RLock()
	defer w.mtx.RUnlock()
	return w.named
}
