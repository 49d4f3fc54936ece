//go:build !slim

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector/scrape"
	"github.com/gorowatch/gorowatch/collector/tsdb"
	"github.com/gorowatch/gorowatch/internal/app"
	"github.com/gorowatch/gorowatch/internal/config"
)

// defaultSeries is the default folder of the series that gorowatch scrapes itself.
const defaultSeries = "/var/lib/gorowatch/series"

// addSeriesFlags adds the flags of the embedded database. It is opened only without a
// Prometheus.
func addSeriesFlags(cmd *kingpin.CmdClause, o *app.Options) {
	dir := cmd.Flag("storage.tsdb.path", "Folder for the series that gorowatch scrapes itself if it has no Prometheus. It has the format of a Prometheus data directory.").Default(defaultSeries).String()
	retention := cmd.Flag("storage.tsdb.retention.time", "How long to keep the series that gorowatch scrapes itself, e.g. 15d.").Default("15d").String()
	o.OpenSeries = func(logger *slog.Logger, reg prometheus.Registerer) (app.SeriesStore, string, error) {
		keep, err := duration("--storage.tsdb.retention.time", *retention)
		if err != nil {
			return nil, "", err
		}
		s, err := tsdb.OpenStore(tsdb.StoreOptions{Dir: *dir, Retention: keep, Logger: logger, Registerer: reg})
		switch {
		case err == nil:
			return s, "", nil
		case *dir == defaultSeries && errors.Is(err, os.ErrPermission):
			// The folder is the default, as on a laptop.
			logger.Warn("Series are kept in memory and lost on exit; set --storage.tsdb.path", "err", err)
			return inMemory{scrape.NewMemory()}, fmt.Sprintf("Series are kept in memory and lost on exit: %v. Set --storage.tsdb.path.", err), nil
		}
		return nil, "", fmt.Errorf("--storage.tsdb.path: %w", err)
	}
}

// inMemory is a store that needs no closing.
type inMemory struct{ *scrape.Memory }

func (inMemory) Close() error { return nil }

// openTSDB opens the data of a Prometheus on disk.
func openTSDB(dir string, c *config.Config) (tsdbSource, error) {
	selector := c.Prometheus.Selector
	set, err := c.Prometheus.Signals()
	if err != nil {
		return nil, fmt.Errorf("prometheus.series: %w", err)
	}
	var matchers []*labels.Matcher
	if selector != "" {
		if matchers, err = config.ParseSelector(selector); err != nil {
			return nil, fmt.Errorf(`--selector: %q: %w, expected a selector without metric name, e.g. {namespace="prod"}`, selector, err)
		}
	}
	src, err := tsdb.Open(tsdb.Options{Dir: dir, Matchers: matchers, Signals: set, ReplicaLabels: c.ReplicaLabels()})
	if err != nil {
		return nil, fmt.Errorf("--tsdb.path: %w", err)
	}
	return src, nil
}
