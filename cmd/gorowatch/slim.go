//go:build slim

package main

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/alecthomas/kingpin/v2"

	"github.com/gorowatch/gorowatch/internal/app"
	"github.com/gorowatch/gorowatch/internal/config"
)

// openTSDB fails in a slim build, such as that of the demo. Without Prometheus' storage, the
// build takes a fraction of the time.
func openTSDB(string, *config.Config) (tsdbSource, error) {
	return nil, errors.New("--tsdb.path: this build has no TSDB, build without the tag slim")
}

// addSeriesFlags adds no flags: a slim build keeps scraped series in memory.
func addSeriesFlags(*kingpin.CmdClause, *app.Options) {}

// logIn fails: a slim build has no libraries of the clouds.
func logIn(_ string, _ config.Cloud, _ http.RoundTripper) (http.RoundTripper, error) {
	return nil, errors.New("this build has no logins of clouds, build without the tag slim")
}

// logDiscovery does nothing: a slim build has only static_configs.
func logDiscovery(*slog.Logger) {}
