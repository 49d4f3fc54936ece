//go:build !slim

package main

import (
	"fmt"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector/tsdb"
	"github.com/gorowatch/gorowatch/internal/config"
)

// openTSDB opens the data of a Prometheus on disk.
func openTSDB(dir, selector string) (tsdbSource, error) {
	var matchers []*labels.Matcher
	if selector != "" {
		var err error
		if matchers, err = config.ParseSelector(selector); err != nil {
			return nil, fmt.Errorf(`--selector: %q: %w, expected a selector without metric name, e.g. {namespace="prod"}`, selector, err)
		}
	}
	src, err := tsdb.Open(tsdb.Options{Dir: dir, Matchers: matchers})
	if err != nil {
		return nil, fmt.Errorf("--tsdb.path: %w", err)
	}
	return src, nil
}
