package collector

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

var midday = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// replicaLabels are the usual ones.
var replicaLabels = []string{"prometheus_replica", "replica", "__replica__"}

func replicaOf(name string) labels.Labels {
	return labels.FromStrings("job", "api", "instance", "10.0.0.1:8080", "pod", "api-1", "prometheus_replica", name)
}

var oneAPI = labels.FromStrings("job", "api", "instance", "10.0.0.1:8080", "pod", "api-1")

// scrapes returns a sample every 15 s from an offset on, for a number of minutes, with the
// function's values. Where the function has no value there is no sample.
func scrapes(offset time.Duration, minutes int, f func(at time.Duration) (Sample, bool)) (out []Sample) {
	for at := offset; at < time.Duration(minutes)*time.Minute; at += 15 * time.Second {
		if x, ok := f(at); ok {
			x.T = midday.Add(at).UnixMilli()
			out = append(out, x)
		}
	}
	return out
}

// steadily grows by one a minute; n makes the replicas differ.
func steadily(n float64) func(at time.Duration) (Sample, bool) {
	return func(at time.Duration) (Sample, bool) {
		return Sample{Count: 100 + at.Minutes() + n, Load: 0.5 + n/10, Start: 1000}, true
	}
}

func without(from, to time.Duration, f func(at time.Duration) (Sample, bool)) func(at time.Duration) (Sample, bool) {
	return func(at time.Duration) (Sample, bool) {
		x, ok := f(at)
		return x, ok && (at < from || at >= to)
	}
}

// inWindows merges series window by window, as a source yields them, and returns
// the samples of each instance.
func inWindows(t *testing.T, r *Replicas, length time.Duration, all ...Series) map[string][]Sample {
	t.Helper()
	out := map[string][]Sample{}
	for from := midday.Add(-time.Millisecond); from.Before(midday.Add(4 * time.Hour)); from = from.Add(length) {
		var w []Series
		for _, s := range all {
			var some []Sample
			for _, x := range s.Samples {
				if x.T > from.UnixMilli() && x.T <= from.Add(length).UnixMilli() {
					some = append(some, x)
				}
			}
			if len(some) > 0 {
				w = append(w, Series{Labels: s.Labels, Samples: some})
			}
		}
		got, _ := r.Merge(w, from)
		for _, s := range got {
			key := s.Labels.String()
			if n := len(out[key]); n > 0 {
				require.Greater(t, s.Samples[0].T, out[key][n-1].T)
			}
			out[key] = append(out[key], s.Samples...)
		}
	}
	return out
}

var windows = []time.Duration{time.Minute, 10 * time.Minute, 4 * time.Hour}

// Two replicas scrape at other moments and see slightly other values. The merged samples are
// those of one replica.
func TestReplicasAreOneInstance(t *testing.T) {
	a, b := scrapes(3*time.Second, 120, steadily(0)), scrapes(11*time.Second, 120, steadily(2))
	for _, length := range windows {
		out := inWindows(t, NewReplicas(replicaLabels), length, Series{replicaOf("b"), b}, Series{replicaOf("a"), a})
		require.Len(t, out, 1, length)
		require.Equal(t, a, out[oneAPI.String()], length)
	}
}

// A replica with a gap is replaced by the other, which then stays. Samples of both are never
// mixed, and none is missing for more than two scrapes.
func TestGapOfOneReplicaIsFilledByTheOther(t *testing.T) {
	a := scrapes(3*time.Second, 120, without(30*time.Minute, 50*time.Minute, steadily(0)))
	b := scrapes(11*time.Second, 120, without(90*time.Minute, 120*time.Minute, steadily(2)))
	for _, length := range windows {
		out := inWindows(t, NewReplicas(replicaLabels), length, Series{replicaOf("a"), a}, Series{replicaOf("b"), b})
		require.Len(t, out, 1)
		got := out[oneAPI.String()]
		var switches []time.Duration
		for i := 1; i < len(got); i++ {
			require.LessOrEqual(t, got[i].T-got[i-1].T, int64(45_000), "%s: %d", length, i)
			if got[i].Load != got[i-1].Load {
				switches = append(switches, time.UnixMilli(got[i].T).Sub(midday).Truncate(time.Minute))
			}
		}
		require.Equal(t, []time.Duration{30 * time.Minute, 90 * time.Minute}, switches, length)
	}
}

// A range query gives both replicas samples at the same times. The other replica fills a single
// missing step.
func TestReplicasAtTheSameSteps(t *testing.T) {
	steps := func(n float64, missing ...int) (out []Sample) {
		for i := range 60 {
			lacks := false
			for _, m := range missing {
				lacks = lacks || m == i
			}
			if !lacks {
				out = append(out, Sample{T: midday.Add(time.Duration(i) * time.Minute).UnixMilli(), Count: float64(i) + n, Start: 1000})
			}
		}
		return out
	}
	for _, length := range windows {
		out := inWindows(t, NewReplicas([]string{"prometheus_replica"}), length,
			Series{replicaOf("a"), steps(0, 20)}, Series{replicaOf("b"), steps(0.5, 40, 41)})
		got := out[oneAPI.String()]
		require.Len(t, got, 60, length)
		for i, x := range got {
			n := 0.0
			if i >= 20 && i < 40 {
				n = 0.5
			}
			require.Equal(t, float64(i)+n, x.Count, "%s: %d", length, i)
		}
	}
}

// The process restarts. The replica that has seen that stops at once, while the other still
// shows the process before. That is no second restart.
func TestReplicaThatIsBehindARestart(t *testing.T) {
	process := func(restart time.Duration) func(at time.Duration) (Sample, bool) {
		return func(at time.Duration) (Sample, bool) {
			if at < restart {
				return Sample{Count: 500, Start: 1000, Load: 0.5}, true
			}
			return Sample{Count: 10, Start: 9000, Load: 0.1}, true
		}
	}
	a := scrapes(0, 60, without(30*time.Minute+20*time.Second, time.Hour, process(30*time.Minute)))
	b := scrapes(7*time.Second, 60, process(32*time.Minute))
	for _, length := range windows {
		got := inWindows(t, NewReplicas(replicaLabels), length, Series{replicaOf("a"), a}, Series{replicaOf("b"), b})[oneAPI.String()]
		restarts := 0
		for i := 1; i < len(got); i++ {
			if got[i].Start != got[i-1].Start {
				restarts++
			}
		}
		require.Equal(t, 1, restarts, length)
		require.Equal(t, b[len(b)-1], got[len(got)-1])
	}
}

// gorowatch does not wait for ever for a replica that always has an older start.
func TestReplicaWithAnOlderStart(t *testing.T) {
	process := func(start float64) func(at time.Duration) (Sample, bool) {
		return func(time.Duration) (Sample, bool) { return Sample{Count: 10, Start: start}, true }
	}
	for _, length := range windows {
		got := inWindows(t, NewReplicas(replicaLabels), length,
			Series{replicaOf("a"), scrapes(0, 10, process(9000))}, Series{replicaOf("b"), scrapes(7*time.Second, 60, process(1000))})[oneAPI.String()]
		require.Equal(t, midday.Add(59*time.Minute+52*time.Second).UnixMilli(), got[len(got)-1].T)
		for i := 1; i < len(got); i++ {
			require.LessOrEqual(t, got[i].T-got[i-1].T, (5*time.Minute + 30*time.Second).Milliseconds())
		}
	}
}

// The instance is the same, whichever replica answers, and whether one or both do.
func TestIdentityIsThatOfNoReplica(t *testing.T) {
	x := scrapes(0, 1, steadily(0))
	for _, ls := range []labels.Labels{
		replicaOf("a"), replicaOf("b"), oneAPI,
		labels.NewBuilder(oneAPI).Set("replica", "0").Labels(),
		labels.NewBuilder(oneAPI).Set("__replica__", "r-1").Set("replica", "1").Labels(),
	} {
		r := NewReplicas(replicaLabels)
		got, _ := r.Merge([]Series{{ls, x}}, midday.Add(-time.Second))
		require.Len(t, got, 1)
		require.Equal(t, oneAPI, got[0].Labels)
		require.Equal(t, oneAPI, r.Identity(ls))
	}
}

// Two databases that the label distinguishes stay two. So do series that nothing connects with
// the same process.
func TestReplicasOfAServiceAreNotOneInstance(t *testing.T) {
	for name, all := range map[string][2]labels.Labels{
		"instances":                {labels.FromStrings("job", "db", "instance", "db-0:1", "replica", "0"), labels.FromStrings("job", "db", "instance", "db-1:1", "replica", "1")},
		"pods":                     {labels.FromStrings("job", "db", "pod", "db-0", "replica", "0"), labels.FromStrings("job", "db", "pod", "db-1", "replica", "1")},
		"containers":               {labels.FromStrings("job", "db", "pod", "db-0", "container", "a", "replica", "0"), labels.FromStrings("job", "db", "pod", "db-0", "container", "b", "replica", "1")},
		"no instance and no pod":   {labels.FromStrings("job", "db", "replica", "0"), labels.FromStrings("job", "db", "replica", "1")},
		"no label of replicas":     {labels.FromStrings("job", "db", "instance", "a", "shard", "0"), labels.FromStrings("job", "db", "instance", "a", "shard", "1")},
		"a label and another name": {labels.FromStrings("job", "db", "instance", "a", "Replica", "0"), labels.FromStrings("job", "db", "instance", "a", "Replica", "1")},
	} {
		t.Run(name, func(t *testing.T) {
			x := scrapes(0, 60, steadily(0))
			out := inWindows(t, NewReplicas(replicaLabels), 10*time.Minute, Series{all[0], x}, Series{all[1], x})
			require.Len(t, out, 2)
			for _, got := range out {
				require.Equal(t, x, got)
			}
		})
	}
}

// Without label names in the configuration, nothing is merged.
func TestNoReplicaLabels(t *testing.T) {
	r := NewReplicas([]string{""})
	require.Nil(t, r)
	x := scrapes(0, 60, steadily(0))
	require.Len(t, inWindows(t, r, time.Hour, Series{replicaOf("a"), x}, Series{replicaOf("b"), x}), 2)
	require.Equal(t, replicaOf("a"), r.Identity(replicaOf("a")))
	require.Len(t, r.MergeHistory(make([]InstanceHistory, 2)), 2)
}

// A series without the label is a replica too.
func TestReplicaWithoutALabel(t *testing.T) {
	a, b := scrapes(0, 60, steadily(0)), scrapes(7*time.Second, 60, steadily(2))
	out := inWindows(t, NewReplicas(replicaLabels), time.Minute, Series{oneAPI, a}, Series{replicaOf("b"), b})
	require.Len(t, out, 1)
	require.Equal(t, a, out[oneAPI.String()])
}

// Processes that differ for long are merged as the labels say, with a warning.
func TestReplicasThatAreSeveralProcesses(t *testing.T) {
	process := func(start float64) []Sample {
		return scrapes(0, 60, func(time.Duration) (Sample, bool) { return Sample{Count: 10, Start: start}, true })
	}
	began := float64(midday.Unix())
	r := NewReplicas(replicaLabels)
	_, warnings := r.Merge([]Series{{replicaOf("a"), process(began)}, {replicaOf("b"), process(began - 3600)}}, midday.Add(-time.Second))
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], "1 instances are merged because their series differ only in a replica label, but their processes started at different times")
	require.Contains(t, warnings[0], "prometheus.replica_labels")
	require.Contains(t, warnings[0], "10.0.0.1:8080")

	r = NewReplicas(replicaLabels)
	_, warnings = r.Merge([]Series{{replicaOf("a"), process(began)}, {replicaOf("b"), process(began + 2)}}, midday.Add(-time.Second))
	require.Empty(t, warnings)
	r = NewReplicas(replicaLabels)
	_, warnings = r.Merge([]Series{{replicaOf("a"), process(began + 3000)}, {replicaOf("b"), process(began)}}, midday.Add(-time.Second))
	require.Empty(t, warnings, "one of them may not know of the restart yet")
}

// A window that is read again, as after the clock was set back, gives the same result.
func TestWindowOfReplicasThatIsReadAgain(t *testing.T) {
	a, b := scrapes(0, 60, steadily(0)), scrapes(7*time.Second, 60, steadily(2))
	r := NewReplicas(replicaLabels)
	for range 2 {
		require.Equal(t, a, inWindows(t, r, 10*time.Minute, Series{replicaOf("a"), a}, Series{replicaOf("b"), b})[oneAPI.String()])
	}
}

// Instances that come and go, and replicas whose names change all the time, do not fill the
// memory.
func TestReplicasAreForgotten(t *testing.T) {
	r := NewReplicas(replicaLabels)
	for i := range 20_000 {
		from := midday.Add(time.Duration(i) * time.Minute)
		x := []Sample{{T: from.Add(time.Minute).UnixMilli(), Count: 1}}
		r.Merge([]Series{
			{labels.NewBuilder(replicaOf("a")).Set("pod", fmt.Sprint(i)).Labels(), x},
			{replicaOf(fmt.Sprint(i)), x},
		}, from)
		require.Less(t, len(r.members), 2048)
		require.Less(t, len(r.merged), 2048)
	}
}

// Random gaps in any replica: times rise, each sample is one of a replica, samples of two are
// not mixed without need, and an instance has samples wherever any replica does.
func TestReplicasAtRandom(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var all []Series
		have := map[Sample]bool{}
		gaps := 0
		n := 1 + rnd.IntN(3)
		for k := range n {
			f := func(at time.Duration) (Sample, bool) {
				return Sample{Count: at.Seconds(), Load: float64(k), Start: 1000}, true
			}
			for range rnd.IntN(3) {
				from := time.Duration(rnd.IntN(120)) * time.Minute
				f = without(from, from+time.Duration(rnd.IntN(1800))*time.Second, f)
				gaps++
			}
			x := scrapes(time.Duration(rnd.IntN(15_000))*time.Millisecond, 120, f)
			for _, x := range x {
				have[x] = true
			}
			all = append(all, Series{replicaOf(fmt.Sprint(k)), x})
		}
		rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		got := inWindows(t, NewReplicas(replicaLabels), windows[seed%3], all...)[oneAPI.String()]
		switches := 0
		for i, x := range got {
			require.True(t, have[x], seed)
			if i > 0 && got[i-1].Load != x.Load {
				switches++
			}
		}
		require.LessOrEqual(t, switches, gaps, seed)
		for _, s := range all {
			for _, x := range s.Samples {
				i, ok := slices.BinarySearchFunc(got, x.T, func(have Sample, t int64) int { return cmp.Compare(have.T, t) })
				require.True(t, ok || i > 0 && x.T-got[i-1].T <= 45_000, "%d: %d", seed, x.T)
			}
		}
	}
}

func TestHistoriesOfReplicas(t *testing.T) {
	nan := math.NaN()
	one := func(name string, values ...float64) InstanceHistory {
		h := NewInstanceHistory(replicaOf(name), len(values))
		for i, v := range values {
			h.Min[i], h.Max[i], h.Load[i], h.Start[i] = v, v+1, v/10, 1000
		}
		return h
	}
	r := NewReplicas(replicaLabels)
	other := NewInstanceHistory(labels.FromStrings("instance", "other"), 5)
	got := r.MergeHistory([]InstanceHistory{one("b", 10, 20, 30, 40, nan), other, one("a", 1, nan, 3, nan, nan)})
	require.Len(t, got, 2)
	require.Equal(t, other.Labels, got[1].Labels)
	require.Equal(t, oneAPI, got[0].Labels)
	require.Equal(t, "[1 20 30 40 NaN]", fmt.Sprint(got[0].Min))
	require.Equal(t, "[2 21 31 41 NaN]", fmt.Sprint(got[0].Max))
	require.Equal(t, "[0.1 2 3 4 NaN]", fmt.Sprint(got[0].Load))
}
