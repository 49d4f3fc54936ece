package config

import (
	"errors"
	"slices"

	"github.com/gorowatch/gorowatch/collector/signals"
)

// Series are the names under which services export what is watched: lists of metrics or
// PromQL expressions, which are tried in order for each instance.
type Series struct {
	// Goroutines are the numbers of goroutines.
	Goroutines []string `yaml:"goroutines,omitempty"`
	// Load is the work that an instance does: counters, of which the rate is taken, or
	// gauges.
	Load []string `yaml:"load,omitempty"`
	// StartTime are the starts or uptimes of the processes.
	StartTime []string `yaml:"start_time,omitempty"`
}

// defaultSeries returns the section with its defaults.
func defaultSeries() Series {
	n := signals.DefaultNames()
	return Series{Goroutines: n.Goroutines, Load: n.Load, StartTime: n.Start}
}

// Signals returns the metrics that are read.
func (p *Prometheus) Signals() (signals.Set, error) {
	n := signals.Names{Goroutines: p.Series.Goroutines, Load: p.Series.Load, Start: p.Series.StartTime}
	if p.Load != "" {
		n.Load = []string{p.Load}
	}
	return signals.Parse(n)
}

// GoroutineNames returns the metrics, or expressions, that are tried for the counts.
func (p *Prometheus) GoroutineNames() (names []string) {
	set, _ := p.Signals() // an invalid section was refused before
	for _, m := range set.Goroutines {
		names = append(names, m.Name)
	}
	return names
}

// series checks the section prometheus.series.
func (v *validator) series(p *Prometheus) {
	if p.Load != "" && !slices.Equal(p.Series.Load, defaultSeries().Load) && len(p.Series.Load) > 0 {
		v.add("prometheus.load", errors.New("is there beside prometheus.series.load, expected one of them"))
		return
	}
	withoutLoad := *p
	withoutLoad.Load = "" // which has an error of its own
	if _, err := withoutLoad.Signals(); err != nil {
		v.add("prometheus.series", err)
	}
}
