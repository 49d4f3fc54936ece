//go:build slim

package main

import (
	"errors"

	"github.com/alecthomas/kingpin/v2"

	"github.com/gorowatch/gorowatch/internal/app"
)

// openTSDB: a slim build, such as that of the demo, compiles in a fraction of
// the time for lack of Prometheus' storage.
func openTSDB(string, string) (tsdbSource, error) {
	return nil, errors.New("--tsdb.path: this build has no TSDB, build without the tag slim")
}

// addSeriesFlags: series that gorowatch scrapes itself are kept in memory.
func addSeriesFlags(*kingpin.CmdClause, *app.Options) {}
