package tsdb

import (
	"context"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// vector is the samples of the metrics of one signal of an instance.
type vector struct {
	labels labels.Labels // of the instance
	byRank [][]signals.Points
	series [][]labels.Labels // of byRank
}

// leftOut counts the series with unusable labels, with the reason for one of them.
type leftOut struct {
	n       int
	problem string
}

// read reads the series of the metrics of a list in [lo, hi], by the labels of their
// instance.
func read(ctx context.Context, matchers []*labels.Matcher, list signals.List, lo, hi int64, in each, bad *leftOut) (map[string]*vector, error) {
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
			rank := list.Rank(l.Get(labels.MetricName))
			identity := list[rank].Instance(l)
			key = identity.Bytes(key)
			v := out[string(key)]
			if v == nil {
				v = &vector{labels: identity, byRank: make([][]signals.Points, len(list)), series: make([][]labels.Labels, len(list))}
				out[string(key)] = v
			}
			points := v.pointsOf(rank, l)
			it = series.Iterator(it)
			for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
				if kind != chunkenc.ValFloat {
					continue // gorowatch reads no histogram of that name
				}
				if t, x := it.At(); t >= lo && t <= hi {
					points.T, points.V = append(points.T, t), append(points.V, x)
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
		if !v.order() {
			delete(out, key)
		}
	}
	return out, nil
}

// pointsOf returns where the samples of a series of a metric go.
func (v *vector) pointsOf(rank int, series labels.Labels) *signals.Points {
	i := slices.IndexFunc(v.series[rank], func(have labels.Labels) bool { return labels.Equal(have, series) })
	if i < 0 {
		i = len(v.series[rank])
		v.series[rank] = append(v.series[rank], series)
		v.byRank[rank] = append(v.byRank[rank], signals.Points{})
	}
	return &v.byRank[rank][i]
}

// order sorts by time where blocks overlap and drops duplicates. It reports whether there
// are any samples.
func (v *vector) order() (some bool) {
	for _, series := range v.byRank {
		for i := range series {
			order(&series[i])
			some = some || len(series[i].T) > 0
		}
	}
	v.series = nil
	return some
}

func order(p *signals.Points) {
	ordered := true
	for i := 1; i < len(p.T) && ordered; i++ {
		ordered = p.T[i-1] < p.T[i]
	}
	if ordered {
		return
	}
	type sample struct {
		t int64
		v float64
	}
	all := make([]sample, len(p.T))
	for i := range all {
		all[i] = sample{p.T[i], p.V[i]}
	}
	slices.SortStableFunc(all, func(a, b sample) int { return int(max(-1, min(1, a.t-b.t))) })
	all = slices.CompactFunc(all, func(a, b sample) bool { return a.t == b.t })
	p.T, p.V = p.T[:len(all)], p.V[:len(all)]
	for i, x := range all {
		p.T[i], p.V[i] = x.t, x.v
	}
}
