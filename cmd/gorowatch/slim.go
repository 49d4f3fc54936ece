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

// openTSDB: a slim build, such as that of the demo, compiles in a fraction of
// the time for lack of Prometheus' storage.
func openTSDB(string, *config.Config) (tsdbSource, error) {
	return nil, errors.New("--tsdb.path: this build has no TSDB, build without the tag slim")
}

// addSeriesFlags: series that gorowatch scrapes itself are kept in memory.
func addSeriesFlags(*kingpin.CmdClause, *app.Options) {}

// logIn: the libraries of the clouds are left out.
func logIn(_ string, _ config.Cloud, _ http.RoundTripper) (http.RoundTripper, error) {
	return nil, errors.New("this build has no logins of clouds, build without the tag slim")
}

// logDiscovery: there is no service discovery either, but for static_configs.
func logDiscovery(*slog.Logger) {}
