package app

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/gorowatch/gorowatch/collector/scrape"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/shard"
	"github.com/gorowatch/gorowatch/leak"
)

// Options of an App.
type Options struct {
	// ConfigFile is read at the start and at every reload; empty: Config is used.
	ConfigFile string
	// Config is used without a file; nil: the defaults.
	Config *config.Config
	// PrometheusURL and StorageURL replace those of the configuration.
	PrometheusURL string
	StorageURL    string

	// LogIn makes a transport with the credentials for the Prometheus of a cloud, by the
	// key of the configuration; nil: this build has none.
	LogIn func(key string, c config.Cloud, next http.RoundTripper) (http.RoundTripper, error)

	// Shard is the share of the services that is watched.
	Shard shard.Shard

	// OpenSeries opens the store of the series that gorowatch scrapes itself, which it
	// does without a Prometheus; nil: they are in memory. All pages show the notice, if
	// it is not empty.
	OpenSeries func(*slog.Logger, prometheus.Registerer) (store SeriesStore, notice string, err error)

	// Web has the listeners, from exporter-toolkit's flags.
	Web *web.FlagConfig
	// ExternalURL is the address of the pages for people; empty: this host.
	ExternalURL string
	RoutePrefix string
	// AllowedHosts are further host names of requests that are answered, besides that of
	// ExternalURL, addresses, and names that no website can have.
	AllowedHosts []string
	// MaxConnections bounds the open connections over all addresses,
	// connections.DefaultMax if 0.
	MaxConnections  int
	EnableLifecycle bool
	// EnableAdminAPI lets people take profiles from the pages.
	EnableAdminAPI bool
	// EnableMCP answers agents at /mcp.
	EnableMCP bool
	// DebugAddress is the address where gorowatch serves its own profiles; empty: it
	// serves none.
	DebugAddress string
	// PictureAddress is an address that serves pictures of leaks alone, without a login;
	// empty: only the addresses of the pages serve them.
	PictureAddress string
	// Flags are shown on the status page.
	Flags map[string]string

	Logger   *slog.Logger
	Registry *prometheus.Registry
	// LogDiscovery, if set, gets the logger for those libraries of service discovery that
	// want one for the whole process.
	LogDiscovery func(*slog.Logger)

	// Runtime, if set, gets the settings of the Go runtime at the start and at each
	// reload.
	Runtime func(config.Runtime)

	// OnLeaks, if set, gets all leaks after every evaluation.
	OnLeaks func(now time.Time, leaks []leak.Leak)
}

// SeriesStore keeps the series that gorowatch scrapes itself.
type SeriesStore interface {
	scrape.Store
	Close() error
}
