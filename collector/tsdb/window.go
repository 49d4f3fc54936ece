package tsdb

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// each passes the queriers that have samples in [lo, hi] ms to use, one after another.
type each func(lo, hi int64, use func(storage.Querier) error) error

// instance is the samples of the metrics of one instance.
type instance struct {
	labels labels.Labels
	raw    signals.Raw
}

// loadUnits are the units of the loads of the instances, by their labels, from window to
// window.
type loadUnits struct {
	mtx        sync.Mutex
	byInstance map[string]*unitUse
}

// unitUse is the unit of an instance's load, and the time up to which it was read.
type unitUse struct {
	signals.LoadUnit
	read time.Time
}

// rememberUnits is how long the unit of an instance without samples is kept.
const rememberUnits = time.Hour

// of returns the unit of an instance in a window up to a time.
func (u *loadUnits) of(key string, to time.Time) *signals.LoadUnit {
	x := u.byInstance[key]
	if x == nil || to.Before(x.read) { // the past is read again
		x = &unitUse{}
		u.byInstance[key] = x
	}
	x.read = to
	return &x.LoadUnit
}

// forget drops instances that are gone.
func (u *loadUnits) forget(to time.Time) {
	for key, x := range u.byInstance {
		if to.Sub(x.read) > rememberUnits {
			delete(u.byInstance, key)
		}
	}
}

// window joins the metrics of each instance in (from, to], and returns their names.
func window(ctx context.Context, o *Options, from, to time.Time, units *loadUnits, in each) (collector.Window, []signals.Use, error) {
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
	pods, err := readPods(ctx, o, early, hi, in)
	if err != nil {
		return w, nil, err
	}
	all := make(map[string]*instance, len(counts))
	for key, c := range counts {
		x := &instance{labels: pods.Complete(c.labels), raw: set.NewRaw()}
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
	units.mtx.Lock()
	defer units.mtx.Unlock()
	if units.byInstance == nil {
		units.byInstance = map[string]*unitUse{}
	}
	used := set.NewCounts()
	for key, x := range all {
		samples, ranks := set.Samples(&x.raw, units.of(key, to))
		used.Add(ranks)
		w.Series = append(w.Series, collector.Series{Labels: x.labels, Samples: samples})
	}
	units.forget(to)
	slices.SortFunc(w.Series, func(a, b collector.Series) int { return labels.Compare(a.Labels, b.Labels) })
	return w, signals.Uses(*set, used), nil
}
