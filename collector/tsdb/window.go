package tsdb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/gorowatch/gorowatch/collector"
)

// each uses one after another the queriers of what has samples in [lo, hi] ms.
type each func(lo, hi int64, use func(storage.Querier) error) error

// window joins the three metrics of each instance in (from, to].
func window(ctx context.Context, o *Options, from, to time.Time, in each) (collector.Window, error) {
	w := collector.Window{From: from, To: to}
	if !to.After(from) {
		return w, nil
	}
	lo, hi := from.UnixMilli()+1, to.UnixMilli()
	early := lo - lookback.Milliseconds()
	bad := &leftOut{}
	counts, err := read(ctx, o.matchers(o.Count), lo, hi, in, bad)
	if err != nil {
		return w, err
	}
	loads, err := read(ctx, o.matchers(o.Load), early, hi, in, &leftOut{})
	if err != nil {
		return w, err
	}
	starts, err := read(ctx, o.matchers(o.Start), early, hi, in, &leftOut{})
	if err != nil {
		return w, err
	}
	if bad.n > 0 {
		w.Warnings = append(w.Warnings, fmt.Sprintf("%d series of %s are left out for their labels, e.g. %s", bad.n, o.Count, bad.problem))
	}
	none := &vector{}
	for key, c := range counts {
		load, start := loads[key], starts[key]
		if load == nil {
			load = none
		}
		if start == nil {
			start = none
		}
		w.Series = append(w.Series, collector.Series{Labels: c.labels, Samples: join(c, load, start, o.LoadGauge)})
	}
	slices.SortFunc(w.Series, func(a, b collector.Series) int { return labels.Compare(a.Labels, b.Labels) })
	return w, nil
}

// vector is the samples of one series, in time order.
type vector struct {
	labels labels.Labels // without the name
	t      []int64       // ms
	v      []float64
}

// leftOut counts the series whose labels cannot be used, and says why for one.
type leftOut struct {
	n       int
	problem string
}

// read reads all series of a metric in [lo, hi], by their labels without the
// name.
func read(ctx context.Context, matchers []*labels.Matcher, lo, hi int64, in each, bad *leftOut) (map[string]*vector, error) {
	out := map[string]*vector{}
	var key []byte
	err := in(lo, hi, func(q storage.Querier) error {
		set := q.Select(ctx, false, nil, matchers...)
		var it chunkenc.Iterator
		for set.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			series := set.At()
			l := series.Labels()
			if problem := collector.LabelsProblem(l); problem != "" {
				bad.n, bad.problem = bad.n+1, problem
				continue
			}
			key = l.BytesWithoutLabels(key, labels.MetricName)
			v := out[string(key)]
			if v == nil {
				v = &vector{labels: l.DropMetricName()}
				out[string(key)] = v
			}
			it = series.Iterator(it)
			for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
				if kind != chunkenc.ValFloat {
					continue // a histogram of that name is none of ours
				}
				if t, x := it.At(); t >= lo && t <= hi {
					v.t, v.v = append(v.t, t), append(v.v, x)
				}
			}
			if err := it.Err(); err != nil {
				return err
			}
		}
		return set.Err()
	})
	if err != nil {
		return nil, err
	}
	for key, v := range out {
		v.order()
		if len(v.t) == 0 {
			delete(out, key)
		}
	}
	return out, nil
}

// order sorts by time where blocks overlap and drops duplicates.
func (v *vector) order() {
	ordered := true
	for i := 1; i < len(v.t) && ordered; i++ {
		ordered = v.t[i-1] < v.t[i]
	}
	if ordered {
		return
	}
	type sample struct {
		t int64
		v float64
	}
	all := make([]sample, len(v.t))
	for i := range all {
		all[i] = sample{v.t[i], v.v[i]}
	}
	slices.SortStableFunc(all, func(a, b sample) int { return int(max(-1, min(1, a.t-b.t))) })
	all = slices.CompactFunc(all, func(a, b sample) bool { return a.t == b.t })
	v.t, v.v = v.t[:len(all)], v.v[:len(all)]
	for i, x := range all {
		v.t[i], v.v[i] = x.t, x.v
	}
}
