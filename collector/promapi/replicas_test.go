package promapi

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// pair answers like two replicas of a Prometheus that nothing merges: b sees a goroutine more
// and half the load, and a is away from minute 20 to 40. The process restarts at minute 50,
// which b sees a minute later.
func pair(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	var start, end, step float64
	_, _ = fmt.Sscan(r.Form.Get("start"), &start)
	_, _ = fmt.Sscan(r.Form.Get("end"), &end)
	_, _ = fmt.Sscan(r.Form.Get("step"), &step)
	var all []any
	for _, replica := range []string{"a", "b"} {
		var points []value
		for x := start; x <= end; x += step {
			minute := (x - float64(t0.Unix())) / 60
			if replica == "a" && minute >= 20 && minute < 40 {
				continue
			}
			restarted := minute >= 50 && (replica == "a" || minute >= 51)
			var v float64
			switch expr := r.Form.Get("query"); {
			case strings.Contains(expr, "process_start"):
				v = float64(t0.Unix() - 7200)
				if restarted {
					v = float64(t0.Unix() + 50*60)
				}
			case strings.HasPrefix(expr, "rate("):
				v = 0.5
				if replica == "b" {
					v = 0.25
				}
			default:
				v = 100 + minute
				if replica == "b" {
					v += 0.5
				}
			}
			points = append(points, value{x, fmt.Sprint(v)})
		}
		if points != nil {
			all = append(all, stream(map[string]string{"job": "api", "instance": "a:1", "prometheus_replica": replica}, points...))
		}
	}
	all = append(all, stream(map[string]string{"job": "api", "instance": "b:1"}, value{end, "7"}))
	matrix(w, nil, all...)
}

func replicas(o *Options) { o.ReplicaLabels = []string{"prometheus_replica", "replica"} }

// For windows of any length, an instance has the samples of one replica at a time, each with
// the load and the start from this replica.
func TestReplicas(t *testing.T) {
	for _, length := range []time.Duration{time.Minute, 10 * time.Minute, 80 * time.Minute} {
		s, _ := virtual(t, pair, replicas)
		var got []collector.Sample
		for from := t0; from.Before(t0.Add(80 * time.Minute)); from = from.Add(length) {
			w, err := s.Window(t.Context(), from, from.Add(length))
			require.NoError(t, err)
			require.Empty(t, w.Warnings)
			require.Len(t, w.Series, 2)
			for _, series := range w.Series {
				if series.Labels.Get("instance") == "a:1" {
					require.Equal(t, labels.FromStrings("instance", "a:1", "job", "api"), series.Labels)
					got = append(got, series.Samples...)
				}
			}
		}
		require.Len(t, got, 80, length)
		restarts := 0
		for i, x := range got {
			minute := float64(i + 1)
			require.Equal(t, t0.Unix()*1000+int64(minute)*60_000, x.T)
			want := collector.Sample{Count: 100 + minute, Load: 0.5}
			if i > 0 && got[i-1].Start != x.Start {
				restarts++
			}
			if minute >= 20 { // b stays
				want = collector.Sample{Count: 100.5 + minute, Load: 0.25}
			}
			require.Equal(t, want.Count, x.Count, "%s: minute %v", length, minute)
			if !math.IsNaN(x.Load) { // that of a young process
				require.Equal(t, want.Load, x.Load, "%s: minute %v", length, minute)
			}
		}
		require.Equal(t, 1, restarts, length)
	}
}

func TestBlocksOfReplicas(t *testing.T) {
	s, _ := virtual(t, pair, replicas)
	w, err := s.Blocks(t.Context(), t0, t0.Add(40*time.Minute), 5*time.Minute)
	require.NoError(t, err)
	blocks := samplesOf(w, "a:1")
	require.Len(t, blocks, 8)
	for i, x := range blocks {
		require.Equal(t, int64(5*i+4)*60_000, x.T-t0.UnixMilli())
		if i < 4 {
			require.Equal(t, 0.5, x.Load)
		} else {
			require.Equal(t, 0.25, x.Load)
		}
	}
	w, err = s.Window(t.Context(), t0.Add(39*time.Minute), t0.Add(60*time.Minute))
	require.NoError(t, err)
	require.Len(t, samplesOf(w, "a:1"), 21)
}

func samplesOf(w collector.Window, instance string) (out []collector.Sample) {
	for _, s := range w.Series {
		if s.Labels.Get("instance") == instance {
			out = append(out, s.Samples...)
		}
	}
	return out
}

// A chart shows an instance once.
func TestHistoryOfReplicas(t *testing.T) {
	s, _ := virtual(t, pair, replicas)
	h, err := s.History(t.Context(), labels.FromStrings("job", "api"), []string{"job"}, t0, t0.Add(40*time.Minute), time.Minute)
	require.NoError(t, err)
	require.Len(t, h.Instances, 2)
	in := h.Instances[0]
	require.Equal(t, labels.FromStrings("instance", "a:1", "job", "api"), in.Labels)
	for i := range in.Min {
		want, load := 101+float64(i), 0.5
		if i >= 19 {
			want, load = 101.5+float64(i), 0.25
		}
		require.Equal(t, want, in.Min[i], i)
		require.Equal(t, want, in.Max[i], i)
		require.Equal(t, load, in.Load[i], i)
	}
}

// The memory of an instance is found by the labels that the instance has.
func TestMemoryOfReplicas(t *testing.T) {
	s, _ := virtual(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		of := func(replica, v string) any {
			return stream(map[string]string{"namespace": "shop", "pod": "api-1", "container": "api", "instance": "a:1", "replica": replica}, at(t0, 0, v))
		}
		switch expr := r.Form.Get("query"); {
		case strings.Contains(expr, "limit"):
			matrix(w, nil, stream(map[string]string{"namespace": "shop", "pod": "api-1", "container": "api"}, at(t0, 0, "1000")))
		case strings.HasPrefix(expr, "deriv"):
			matrix(w, nil, of("1", "2"), of("0", "1"))
		default:
			matrix(w, nil, of("1", "200"), of("0", "100"))
		}
	}, replicas)
	got, err := s.Memory(t.Context(), labels.FromStrings("namespace", "shop"), []string{"namespace"}, t0, t0.Add(-time.Hour))
	require.NoError(t, err)
	require.Equal(t, []collector.Memory{{
		Labels: labels.FromStrings("namespace", "shop", "pod", "api-1", "container", "api", "instance", "a:1"), Used: 100, Limit: 1000, PerHour: 3600,
	}}, got)
}

// The limit counts instances, however many replicas have scraped each. Beyond it no replica is
// read.
func TestReplicasWithinTheLimit(t *testing.T) {
	n := 10
	s, _ := virtual(t, func(w http.ResponseWriter, _ *http.Request) {
		var all []any
		for _, replica := range []string{"a", "b"} {
			for i := range n {
				all = append(all, stream(map[string]string{"instance": fmt.Sprint(i), "replica": replica}, at(t0, 1, "1")))
			}
		}
		matrix(w, nil, all...)
	}, replicas, func(o *Options) { o.SeriesLimit = 10 })
	read := func() collector.Window {
		w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err)
		return w
	}
	w := read()
	require.Empty(t, w.Warnings)
	require.Len(t, w.Series, 10)
	n = 12
	w = read()
	require.Contains(t, w.Warnings[0], "4 series of go_goroutines are left out, more than the limit of 10")
	require.Len(t, w.Series, 10)
	n = 5
	for range 3 * remembered {
		require.Len(t, read().Series, 5)
	}
	require.Len(t, s.join.counts.instances, 5, "what is gone makes room")
	n = 10
	require.Empty(t, read().Warnings)
}
