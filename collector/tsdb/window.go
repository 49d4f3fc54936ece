package tsdb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// each uses one after another the queriers of what has samples in [lo, hi] ms.
type each func(lo, hi int64, use func(storage.Querier) error) error

// instance is the samples of the metrics of one instance.
type instance struct {
	labels labels.Labels
	raw    signals.Raw
}

// window joins the metrics of each instance in (from, to], and says which they were.
func window(ctx context.Context, o *Options, from, to time.Time, in each) (collector.Window, []signals.Use, error) {
	w := collector.Window{From: from, To: to}
	if !to.After(from) {
		return w, nil, nil
	}
	lo, hi := from.UnixMilli()+1, to.UnixMilli()
	early := lo - max(signals.Range, signals.Lookback).Milliseconds()
	set := &o.Signals
	bad := &leftOut{}
	counts, err := read(ctx, o.matchers(set.Goroutines), set.Goroutines, lo, hi, in, bad)
	if err != nil {
		return w, nil, err
	}
	loads, err := read(ctx, o.matchers(set.Load), set.Load, early, hi, in, &leftOut{})
	if err != nil {
		return w, nil, err
	}
	starts, err := read(ctx, o.matchers(set.Start), set.Start, early, hi, in, &leftOut{})
	if err != nil {
		return w, nil, err
	}
	if bad.n > 0 {
		w.Warnings = append(w.Warnings, fmt.Sprintf("%d series of %s are left out for their labels, e.g. %s", bad.n, set.Goroutines[0].Name, bad.problem))
	}
	all := make(map[string]*instance, len(counts))
	for key, c := range counts {
		x := &instance{labels: c.labels, raw: set.NewRaw()}
		x.raw.Goroutines = c.byRank
		if l := loads[key]; l != nil {
			x.raw.Load = l.byRank
		}
		if s := starts[key]; s != nil {
			x.raw.Start = s.byRank
		}
		all[key] = x
	}
	if err := addContainers(ctx, o, all, early, hi, in); err != nil {
		return w, nil, err
	}
	used := set.NewCounts()
	for _, x := range all {
		samples, ranks := set.Samples(&x.raw)
		used.Add(ranks)
		w.Series = append(w.Series, collector.Series{Labels: x.labels, Samples: samples})
	}
	slices.SortFunc(w.Series, func(a, b collector.Series) int { return labels.Compare(a.Labels, b.Labels) })
	return w, signals.Uses(*set, used), nil
}
