package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/notify"
	"github.com/gorowatch/gorowatch/collector/discovery"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/collector/promapi"
	"github.com/gorowatch/gorowatch/collector/scrape"
	"github.com/gorowatch/gorowatch/internal/archive"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/connections"
	"github.com/gorowatch/gorowatch/internal/kubeevents"
	"github.com/gorowatch/gorowatch/internal/monitor"
	"github.com/gorowatch/gorowatch/internal/monitor/pulling"
	"github.com/gorowatch/gorowatch/internal/pictures"
	"github.com/gorowatch/gorowatch/internal/push"
	"github.com/gorowatch/gorowatch/internal/sidelistener"
	"github.com/gorowatch/gorowatch/internal/triage"
)

// shutdownTimeout bounds how long Run waits for open requests at the end.
const shutdownTimeout = 5 * time.Second

// App is a gorowatch that watches and serves.
type App struct {
	o           Options
	logger      *slog.Logger
	started     time.Time
	externalURL *url.URL

	listeners   []net.Listener
	connections *connections.Limit // of all listeners
	server      *http.Server
	debug       *sidelistener.Server // nil: none
	pictures    *pictures.Handler
	// pictureServer serves pictures alone; nil: none.
	pictureServer *sidelistener.Server

	archive  *archive.Archive
	watcher  *discovery.Watcher
	puller   *pulling.Puller
	notifier *notify.Notifier
	events   *kubeevents.Recorder
	monitor  *monitor.Monitor
	pushed   *push.Handler
	tenancy  tenancy
	// labelSecret hashes values of pprof labels.
	labelSecret []byte
	// memoryNotice says why the archive is in memory; empty: it is in the bucket.
	memoryNotice atomic.Pointer[string]
	// series keeps what is scraped, from the first time that something is.
	// seriesNotice is what people should know of it.
	series       scrape.Store
	seriesNotice string

	// alertmanagers finds Alertmanagers. receiversMu guards the graph that alerts are
	// sent by, and the found Alertmanagers that cannot be used.
	alertmanagers         *discovery.Watcher
	receiversMu           sync.Mutex
	alertingGraph         *graph
	unusableAlertmanagers []string

	// groupingNotices say that the labels of the services do not fit; the loop has looked
	// at groupingChecked.
	groupingNotices atomic.Pointer[[]string]
	groupingChecked time.Time

	promMetrics    *promapi.Metrics
	scrapeMetrics  *scrape.Metrics
	bucketMetrics  *archive.Metrics
	targetStates   *prometheus.GaugeVec
	targetCount    atomic.Int64
	decodingBudget *pprof.Budget
	reloadOK       prometheus.Gauge
	reloadTime     prometheus.Gauge

	// graph is what the present configuration has made.
	graph atomic.Pointer[graph]
	ready atomic.Bool
	// reloads asks the loop for a reload, which answers on the channel. requests asks it for
	// profiles. ended is closed when the loop has ended and answers no more.
	reloads  chan chan error
	requests chan monitor.Request
	// triage is what people say about leaks; triaged asks the loop to apply it.
	triage  *triage.Book
	triaged chan struct{}
	ended   chan struct{}

	cleanups []cleanup
	stopOnce sync.Once
	stopErr  error
}

// cleanup releases something that New has made.
type cleanup struct {
	name string
	run  func() error
}

// New makes an App. Everything that can fail because of a mistake of the user fails
// here. The listeners are open, but nothing is served or watched yet. The caller calls
// Run or Stop.
func New(ctx context.Context, o Options) (_ *App, err error) {
	if o.Web == nil || o.Web.WebListenAddresses == nil || len(*o.Web.WebListenAddresses) == 0 {
		return nil, errors.New("no listen address: set --web.listen-address")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	a := &App{o: o, logger: o.Logger, reloads: make(chan chan error), requests: make(chan monitor.Request, maxRequests), triaged: make(chan struct{}, 1), ended: make(chan struct{}), started: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop())
		}
	}()

	conf, err := a.load()
	if err != nil {
		return nil, err
	}
	a.applyRuntime(conf)
	if o.Web.WebConfigFile != nil {
		if err := web.Validate(*o.Web.WebConfigFile); err != nil {
			return nil, fmt.Errorf("--web.config.file: %w", err)
		}
	}
	if err := a.listen(*o.Web.WebListenAddresses); err != nil {
		return nil, err
	}
	a.addMetrics(o.Registry)
	if err := a.makeWatchers(); err != nil {
		return nil, err
	}
	if err := a.makePictures(); err != nil {
		return nil, err
	}
	g, err := a.build(conf)
	if err != nil {
		return nil, err
	}
	a.graph.Store(g)
	a.pictures.Apply(g.pictures)
	if err := a.watcher.Apply(g.sets); err != nil {
		return nil, err
	}
	a.onStop("http clients", func() error { a.graph.Load().closeIdle(); return nil })
	if err := a.makeMonitor(ctx, conf, g); err != nil {
		return nil, err
	}
	if a.pushed, err = push.New(push.Options{
		Logger: a.logger.With("component", "push"), Backend: state{a}, Config: a.pushConfig(g), Registerer: o.Registry,
	}); err != nil {
		return nil, err
	}
	if err := a.handler(); err != nil {
		return nil, err
	}
	if err := a.debugListen(); err != nil {
		return nil, err
	}
	return a, nil
}

// makeWatchers makes the service discovery of targets and of Alertmanagers.
func (a *App) makeWatchers() (err error) {
	a.watcher, err = discovery.NewWatcher(discovery.WatcherOptions{
		OnUpdate: a.updateScrapeTargets, Logger: a.logger.With("component", "discovery"), Registerer: a.o.Registry,
	})
	if err != nil {
		return err
	}
	if a.o.LogDiscovery != nil {
		a.o.LogDiscovery(a.watcher.Listen(a.logger))
	}
	a.onStop("service discovery", func() error { a.watcher.Stop(); return nil })
	a.alertmanagers, err = discovery.NewWatcher(discovery.WatcherOptions{
		OnUpdate: a.alertmanagersFound, Logger: a.logger.With("component", "discovery of Alertmanagers"),
	})
	if err != nil {
		return err
	}
	a.onStop("discovery of Alertmanagers", func() error { a.alertmanagers.Stop(); return nil })
	return nil
}

// makeMonitor opens the archive and makes what watches by the graph and sends alerts.
func (a *App) makeMonitor(ctx context.Context, c config.Config, g *graph) error {
	bucket, notice, err := a.openArchive(ctx, c)
	if err != nil {
		return err
	}
	a.archive, a.labelSecret = bucket, bucket.SecretOrRandom(ctx, "labels")
	a.memoryNotice.Store(&notice)
	a.onStop("archive", a.archive.Close)

	g.puller.Registerer = a.o.Registry
	if a.puller, err = pulling.New(g.puller); err != nil {
		return err
	}
	a.notifier, err = notify.New(ctx, notify.Options{
		Logger: a.logger.With("component", "alerting"), Registerer: a.o.Registry, Config: a.withFoundAlertmanagers(g), Notes: a.archive,
	})
	if err != nil {
		return err
	}
	a.events = kubeevents.New(a.o.Registry, a.logger.With("component", "kubernetes"), a.instanceLabels)
	if err := a.applyAlerting(g); err != nil {
		return err
	}
	a.triage = triage.NewBook(bucket, a.logger.With("component", "triage"))
	a.readTriage(ctx)
	mo := a.monitorOptions(g, a.puller)
	mo.Archive, mo.Logger, mo.Registerer = bucket, a.logger.With("component", "monitor"), a.o.Registry
	if a.monitor, err = monitor.New(ctx, mo); err != nil {
		return err
	}
	return a.o.Registry.Register(alerting.NewGauges(a.monitor.Leaks, func() alerting.RenderOptions { return a.graph.Load().alerts.Render }))
}

// onStop registers how to release what was made just now.
func (a *App) onStop(name string, run func() error) {
	a.cleanups = append(a.cleanups, cleanup{name, run})
}

// Stop releases what New has made, the last first. Run calls it.
func (a *App) Stop() error {
	a.stopOnce.Do(func() {
		var errs []error
		for i := len(a.cleanups) - 1; i >= 0; i-- {
			c := a.cleanups[i]
			if err := c.run(); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
			}
		}
		a.stopErr = errors.Join(errs...)
	})
	return a.stopErr
}

// Run watches and serves until ctx is done. Then it finishes open requests and stops. It
// returns nil after a clean end.
func (a *App) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range a.listeners {
		a.logger.Info("Listening", "address", l.Addr().String(), "external_url", a.externalURL.String())
	}
	group.Go(func() error {
		// The server logs what goes wrong with one connection. An error that ends it is one of
		// ours, unless the end was intended.
		err := web.ServeMultiple(a.listeners, a.server, a.o.Web, a.logger)
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	group.Go(func() error {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if err := a.server.Shutdown(end); err != nil {
			a.logger.Warn("Requests were cut off on exit", "err", err)
			return a.server.Close()
		}
		return nil
	})
	group.Go(func() error { return a.debug.Run(ctx) })
	group.Go(func() error { return a.pictureServer.Run(ctx) })
	group.Go(func() error { a.pictures.Run(ctx, a.archive); return nil })
	group.Go(func() error { a.watcher.Run(ctx); return nil })
	group.Go(func() error { a.alertmanagers.Run(ctx); return nil })
	group.Go(func() error { return a.notifier.Run(ctx) })
	group.Go(func() error { return a.events.Run(ctx) })
	group.Go(func() error { return a.loop(ctx) })
	group.Go(func() error { return a.sweep(ctx) })
	group.Go(func() error { return a.claim(ctx) })
	group.Go(func() error { return a.followTriage(ctx) })
	err := group.Wait()
	return errors.Join(err, a.Stop())
}
