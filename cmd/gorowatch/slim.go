//go:build slim

package main

import "errors"

// openTSDB: a slim build, such as that of the demo, compiles in a fraction of
// the time for lack of Prometheus' storage.
func openTSDB(string, string) (tsdbSource, error) {
	return nil, errors.New("--tsdb.path: this build has no TSDB, build without the tag slim")
}
