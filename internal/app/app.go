package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/exporter-toolkit/web"
	yamlv2 "go.yaml.in/yaml/v2"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/memblob"  // mem://
	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/notify"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/discovery"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/collector/promapi"
	"github.com/gorowatch/gorowatch/collector/scrape"
	"github.com/gorowatch/gorowatch/internal/archive"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/monitor"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/shard"
	"github.com/gorowatch/gorowatch/leak"
)

// shutdownTimeout bounds how long open requests are waited for at the end.
const shutdownTimeout = 5 * time.Second

// Options of an App.
type Options struct {
	// ConfigFile is read at the start and at every reload; empty: Config.
	ConfigFile string
	// Config is used without a file; nil: the defaults.
	Config *config.Config
	// PrometheusURL and StorageURL come before what the configuration says.
	PrometheusURL string
	StorageURL    string

	// LogIn makes a transport that logs in at a managed Prometheus, by the key of
	// its configuration; nil: this build has none.
	LogIn func(key string, c config.Cloud, next http.RoundTripper) (http.RoundTripper, error)

	// Shard is the share of the services that is watched.
	Shard shard.Shard

	// OpenSeries opens where the series are kept that gorowatch scrapes itself,
	// which it does without a Prometheus; nil: in memory. notice, if not empty,
	// is what everybody who looks at a page should know of it.
	OpenSeries func(*slog.Logger, prometheus.Registerer) (store SeriesStore, notice string, err error)

	// Web are the listeners, by exporter-toolkit's flags.
	Web *web.FlagConfig
	// ExternalURL is where people reach the pages; empty: this host.
	ExternalURL string
	RoutePrefix string
	// AllowedHosts are the names under which requests are answered besides that
	// of ExternalURL, addresses, and names that no website can have.
	AllowedHosts []string
	// MaxConnections bounds the connections that are open at a time over all
	// addresses, DefaultMaxConnections if 0.
	MaxConnections  int
	EnableLifecycle bool
	// EnableAdminAPI lets people take profiles from the pages.
	EnableAdminAPI bool
	// DebugAddress is where the process' own profiles are served; empty:
	// nowhere.
	DebugAddress string
	// Flags are shown on the status page.
	Flags map[string]string

	Logger   *slog.Logger
	Registry *prometheus.Registry
	// LogDiscovery, if set, is given the logger of those libraries of service
	// discovery that want one for the whole process.
	LogDiscovery func(*slog.Logger)

	// Runtime, if set, is told what the configuration in force says of the Go
	// runtime.
	Runtime func(config.Runtime)

	// OnLeaks, if set, is told all leaks after every evaluation.
	OnLeaks func(now time.Time, leaks []leak.Leak)
}

// SeriesStore keeps the series that gorowatch scrapes itself.
type SeriesStore interface {
	scrape.Store
	Close() error
}

// App is a gorowatch that watches.
type App struct {
	o           Options
	logger      *slog.Logger
	externalURL *url.URL

	listeners   []net.Listener
	connections *connections // of all listeners
	server      *http.Server
	debug       *debugServer // nil: none
	archive     *archive.Archive
	watcher     *discovery.Watcher
	// alertmanagers finds those. telling guards what they are told by: told, whose
	// alerts are sent, and those that were found and are of no use.
	alertmanagers *discovery.Watcher
	telling       sync.Mutex
	told          *graph
	unusable      []string
	puller        *profiling.Puller
	notifier      *notify.Notifier
	monitor       *monitor.Monitor
	started       time.Time

	promMetrics   *promapi.Metrics
	scrapeMetrics *scrape.Metrics
	targetStates  *prometheus.GaugeVec
	targetCount   atomic.Int64
	bucketMetrics *archive.Metrics
	decoding      *pprof.Budget
	reloadOK      prometheus.Gauge
	reloadTime    prometheus.Gauge

	// graph is what the configuration in force has made.
	graph atomic.Pointer[graph]
	ready atomic.Bool
	// reloads asks the loop for a reload; it answers on the channel. ended is
	// closed when it has ended and answers no more.
	reloads chan chan error
	// requests for profiles wait for the loop too.
	requests chan monitor.Request
	ended    chan struct{}
	// inMemory: the default archive could not be opened.
	inMemory atomic.Pointer[string]
	tenancy  tenancy
	// series keeps what is scraped, from the first time that something is;
	// seriesNotice is what is to be known of it.
	series       scrape.Store
	seriesNotice string

	cleanups []cleanup
	stopOnce sync.Once
	stopErr  error
}

// cleanup undoes something that New has made.
type cleanup struct {
	name string
	run  func() error
}

// New makes an App: everything that can fail for a mistake of the user's fails
// here. Listeners are bound, nothing is served or watched yet. The caller
// calls Run, or Stop.
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
	a := &App{o: o, logger: o.Logger, reloads: make(chan chan error), requests: make(chan monitor.Request, maxRequests), ended: make(chan struct{}), started: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop())
		}
	}()

	conf, err := a.load()
	if err != nil {
		return nil, err
	}
	a.tune(conf)
	if o.Web.WebConfigFile != nil {
		if err := web.Validate(*o.Web.WebConfigFile); err != nil {
			return nil, fmt.Errorf("--web.config.file: %w", err)
		}
	}
	if err := a.listen(*o.Web.WebListenAddresses); err != nil {
		return nil, err
	}
	a.addMetrics(o.Registry)
	a.watcher, err = discovery.NewWatcher(discovery.WatcherOptions{
		OnUpdate: a.rescrape, Logger: a.logger.With("component", "discovery"), Registerer: o.Registry,
	})
	if err != nil {
		return nil, err
	}
	if o.LogDiscovery != nil {
		o.LogDiscovery(a.watcher.Listen(a.logger))
	}
	a.onStop("service discovery", func() error { a.watcher.Stop(); return nil })
	a.alertmanagers, err = discovery.NewWatcher(discovery.WatcherOptions{
		OnUpdate: a.alertmanagersFound, Logger: a.logger.With("component", "discovery of Alertmanagers"),
	})
	if err != nil {
		return nil, err
	}
	a.onStop("discovery of Alertmanagers", func() error { a.alertmanagers.Stop(); return nil })
	g, err := a.build(conf)
	if err != nil {
		return nil, err
	}
	a.graph.Store(g)
	if err := a.watcher.Apply(g.sets); err != nil {
		return nil, err
	}
	a.onStop("http clients", func() error { a.graph.Load().closeIdle(); return nil })

	bucket, notice, err := a.openArchive(ctx, conf)
	if err != nil {
		return nil, err
	}
	a.archive = bucket
	a.inMemory.Store(&notice)
	a.onStop("archive", a.archive.Close)

	g.puller.Registerer = o.Registry
	if a.puller, err = profiling.New(g.puller); err != nil {
		return nil, err
	}
	a.notifier, err = notify.New(ctx, notify.Options{
		Logger: a.logger.With("component", "alerting"), Registerer: o.Registry, Config: a.withFound(g), Notes: a.archive,
	})
	if err != nil {
		return nil, err
	}
	if err := a.tell(g); err != nil {
		return nil, err
	}
	mo := g.monitor
	mo.Puller, mo.Notify = a.puller, a.notify
	mo.Archive, mo.Logger, mo.Registerer = bucket, a.logger.With("component", "monitor"), o.Registry
	if a.monitor, err = monitor.New(ctx, mo); err != nil {
		return nil, err
	}
	gauges := alerting.NewGauges(a.monitor.Leaks, func() alerting.RenderOptions { return a.graph.Load().alerts.Render })
	if err = o.Registry.Register(gauges); err != nil {
		return nil, err
	}
	if err = a.handler(); err != nil {
		return nil, err
	}
	if err = a.debugListen(); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *App) addMetrics(reg *prometheus.Registry) {
	a.promMetrics = promapi.NewMetrics(reg)
	a.scrapeMetrics = scrape.NewMetrics(reg)
	a.targetStates = newTargetMetrics(reg)
	a.bucketMetrics = archive.NewMetrics(reg)
	a.decoding = pprof.NewBudget(decodingBudget(debug.SetMemoryLimit(-1)))
	f := promauto.With(reg)
	a.reloadOK = f.NewGauge(prometheus.GaugeOpts{
		Name: "gorowatch_config_last_reload_successful",
		Help: "Whether the last reload of the configuration was successful.",
	})
	a.reloadTime = f.NewGauge(prometheus.GaugeOpts{
		Name: "gorowatch_config_last_reload_success_timestamp_seconds",
		Help: "When the configuration was last reloaded successfully.",
	})
	a.reloadOK.Set(1)
	a.reloadTime.SetToCurrentTime()
	f.NewGauge(prometheus.GaugeOpts{
		Name: "gorowatch_shard",
		Help: "The share of the services that is watched, counted from 0 (--shard).",
	}).Set(float64(a.o.Shard.Index()))
	f.NewGauge(prometheus.GaugeOpts{
		Name: "gorowatch_shards",
		Help: "How many shares the services are divided into (--shard).",
	}).Set(float64(a.o.Shard.Count()))
}

// load reads the configuration and puts the command line's word over it.
func (a *App) load() (config.Config, error) {
	c := config.Default()
	var err error
	if a.o.ConfigFile != "" {
		c, err = config.LoadFile(a.o.ConfigFile)
	} else if a.o.Config != nil {
		c = *a.o.Config
	}
	if err != nil {
		return c, err
	}
	if s := a.o.PrometheusURL; s != "" {
		u, err := url.Parse(s)
		if err != nil {
			return c, fmt.Errorf("--prometheus.url: not a URL: %w", withoutURL(err))
		}
		c.Prometheus.URL = commoncfg.URL{URL: u}
	}
	c.Storage.URL = cmp.Or(a.o.StorageURL, c.Storage.URL)
	addAnnotatedPods(&c)
	for _, text := range ended(c.Ignore, time.Now()) {
		a.logger.Warn("A rule has ended", "rule", text)
	}
	return c, c.Validate()
}

// tune passes on what concerns the Go runtime.
func (a *App) tune(c config.Config) {
	if a.o.Runtime != nil {
		a.o.Runtime(c.Runtime)
	}
}

// serviceAccount is what a pod is given to talk to its cluster.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// addAnnotatedPods adds the pods of the cluster that we run in, unless the
// configuration says where targets are found, or that they are not wanted.
func addAnnotatedPods(c *config.Config) {
	if !c.Profiles.AnnotatedPods || os.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		return
	}
	if _, err := os.Stat(serviceAccount); err != nil {
		return
	}
	for _, set := range c.Targets {
		if len(set.ServiceDiscovery) > 0 {
			return
		}
	}
	if pods, err := c.Profiles.AnnotatedSet(); err == nil { // else this build cannot
		c.Targets = append(slices.Clone(c.Targets), pods)
	}
}

// withoutURL is what url.Parse says without the URL, which may hold a password.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

func (a *App) listen(addresses []string) error {
	a.connections = newConnections(maxConnections(cmp.Or(a.o.MaxConnections, DefaultMaxConnections), openFileLimit()), a.logger)
	for _, addr := range addresses {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("--web.listen-address: %w", err)
		}
		a.listeners = append(a.listeners, a.connections.listener(l))
		a.onStop("listener "+addr, func() error {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		})
	}
	var err error
	if a.externalURL, err = externalURL(a.o.ExternalURL, a.Addr()); err != nil {
		return err
	}
	if a.o.ExternalURL == "" && len(readWebConfig(a.o.Web).Server) > 0 {
		a.externalURL.Scheme = "https"
	}
	return nil
}

// webConfig is what matters here of exporter-toolkit's web configuration.
type webConfig struct {
	Server map[string]any    `yaml:"tls_server_config"`
	Users  map[string]string `yaml:"basic_auth_users"`
}

// readWebConfig reads the web configuration, empty if there is none. That it is
// valid has been checked.
func readWebConfig(f *web.FlagConfig) (c webConfig) {
	if f.WebConfigFile == nil || *f.WebConfigFile == "" {
		return c
	}
	text, err := os.ReadFile(*f.WebConfigFile)
	if err != nil || yamlv2.Unmarshal(text, &c) != nil {
		return webConfig{}
	}
	return c
}

// login tells whether every request has to show a password or a certificate of
// its own. The toolkit reads the file for every request, and so does this.
func (a *App) login() bool {
	c := readWebConfig(a.o.Web)
	return len(c.Users) > 0 || c.Server["client_auth_type"] == "RequireAndVerifyClientCert"
}

// externalURL is the address that links begin with: as given, or this host at
// the port that is listened on.
func externalURL(given, addr string) (*url.URL, error) {
	if given == "" {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", addr, err)
		}
		if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
			if host, err = os.Hostname(); err != nil {
				return nil, fmt.Errorf("name of this host: %w; set --web.external-url", err)
			}
		}
		return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/"}, nil
	}
	u, err := url.Parse(given)
	if err != nil {
		return nil, fmt.Errorf("--web.external-url: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("--web.external-url: %q, expected http://host:port/path or https://…", given)
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	return u, nil
}

// Addr is the address of the first listener.
func (a *App) Addr() string {
	if len(a.listeners) == 0 {
		return ""
	}
	return a.listeners[0].Addr().String()
}

// ExternalURL is where people reach the pages.
func (a *App) ExternalURL() *url.URL { return a.externalURL }

// decodingBudget is how many bytes of a memory limit the decoding of profiles
// may use: two fifths of a small one.
func decodingBudget(limit int64) int64 {
	return max(24<<20, min(pprof.DefaultBudget, limit/5*2))
}

// openArchive opens the bucket of a configuration.
func (a *App) openArchive(ctx context.Context, c config.Config) (*archive.Archive, string, error) {
	chosen := a.o.StorageURL != "" || c.Storage.URL != config.Default().Storage.URL
	return openBucket(ctx, c.Storage.URL, chosen, archive.Options{
		GroupBy: c.Services.GroupBy,
		Decode: func(ctx context.Context, r io.Reader, taken time.Time) (*collector.Profile, error) {
			return pprof.ParseContext(ctx, r, taken, pprof.Limits{Budget: a.decoding})
		},
		Logger:  a.logger.With("component", "archive"),
		Metrics: a.bucketMetrics,
	})
}

// openBucket opens a bucket. Where nobody has chosen it and it cannot be
// written, as on a laptop, memory has to do; notice says so.
func openBucket(ctx context.Context, rawURL string, chosen bool, o archive.Options) (a *archive.Archive, notice string, err error) {
	a, err = archive.Open(ctx, rawURL, o)
	if err == nil || chosen {
		return a, "", err
	}
	notice = fmt.Sprintf("Profiles and leaks are kept in memory and lost at the end: %v. Set storage.url or --storage.url.", err)
	o.Logger.Warn("Profiles and leaks are kept in memory and lost at the end; set storage.url or --storage.url", "err", err)
	a, err = archive.Open(ctx, "mem://", o)
	return a, notice, err
}

// seriesStore is where the series are kept that gorowatch scrapes itself.
func (a *App) seriesStore() (scrape.Store, error) {
	if a.series != nil {
		return a.series, nil
	}
	if a.o.OpenSeries == nil {
		a.series = scrape.NewMemory()
		return a.series, nil
	}
	s, notice, err := a.o.OpenSeries(a.logger.With("component", "series"), a.o.Registry)
	if err != nil {
		return nil, err
	}
	a.series, a.seriesNotice = s, notice
	a.onStop("series", s.Close)
	return a.series, nil
}

// onStop registers the undoing of what was made just now.
func (a *App) onStop(name string, run func() error) {
	a.cleanups = append(a.cleanups, cleanup{name, run})
}

// Stop undoes what New has made, last first. Run calls it.
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

// Run watches and serves until ctx is done, then drains and stops. It returns
// nil after a clean end.
func (a *App) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range a.listeners {
		a.logger.Info("Listening", "address", l.Addr().String(), "external_url", a.externalURL.String())
	}
	group.Go(func() error {
		// What is served says of itself what goes wrong with one connection;
		// what ends it is an error of ours, but for the end itself.
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
			a.logger.Warn("Requests were cut off at the end", "err", err)
			return a.server.Close()
		}
		return nil
	})
	if a.debug != nil {
		group.Go(func() error { return a.debug.run(ctx) })
	}
	group.Go(func() error { a.watcher.Run(ctx); return nil })
	group.Go(func() error { a.alertmanagers.Run(ctx); return nil })
	group.Go(func() error { return a.notifier.Run(ctx) })
	group.Go(func() error { return a.loop(ctx) })
	group.Go(func() error { return a.sweep(ctx) })
	group.Go(func() error { return a.claim(ctx) })
	err := group.Wait()
	return errors.Join(err, a.Stop())
}
