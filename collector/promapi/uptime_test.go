package promapi

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

// The exact start of a process is read once, by the sample's own time. Uptimes show a restart,
// whenever the samples come.
func TestStartsOfUptimes(t *testing.T) {
	srv, s := real(t, nil)
	began := map[string]time.Time{"steady": t0.Add(-time.Hour), "restarts": t0.Add(-2 * time.Hour), "milli": t0.Add(-3 * time.Hour)}
	restart := t0.Add(10*time.Minute + 20*time.Second)
	crash := t0.Add(20*time.Minute + 5*time.Second) // and again soon after
	for i := range 160 {
		at := t0.Add(time.Duration(i)*15*time.Second + 7*time.Second) // between the evaluations
		start := began["restarts"]
		for _, begin := range []time.Time{restart, crash, crash.Add(70 * time.Second)} {
			if !at.Before(begin) {
				start = begin
			}
		}
		samples := map[string]float64{
			`go_goroutines{job="x",instance="steady"}`: 1, `process_uptime_seconds{job="x",instance="steady"}`: at.Sub(began["steady"]).Seconds(),
			`go_goroutines{job="x",instance="restarts"}`: 1, `process_uptime_seconds{job="x",instance="restarts"}`: at.Sub(start).Seconds(),
			`go_goroutines{job="x",instance="milli"}`: 1, `runtime_uptime_milliseconds_total{job="x",instance="milli"}`: float64(at.Sub(began["milli"]).Milliseconds()),
			`go_goroutines{job="x",instance="plain"}`: 1, `process_start_time_seconds{job="x",instance="plain"}`: 1000,
		}
		if i > 60 && i < 70 { // scrapes fail: the samples get old
			delete(samples, `process_uptime_seconds{job="x",instance="steady"}`)
		}
		srv.Append(t, at, samples)
	}
	exact := 0
	for minute := 1; minute < 39; minute++ {
		at := t0.Add(time.Duration(minute) * time.Minute)
		w, err := s.Window(t.Context(), at.Add(-time.Minute), at)
		require.NoError(t, err)
		asked := srv.Queries()
		if strings.Contains(strings.Join(asked, "\n"), "timestamp(") {
			exact++
			if minute > 1 {
				require.Contains(t, strings.Join(asked, "\n"), `process_uptime_seconds{instance=~"restarts"}`)
			}
		}
		require.Len(t, w.Series, 4)
		for _, x := range w.Series {
			name := x.Labels.Get("instance")
			want := began[name]
			switch {
			case name == "plain":
				want = time.Unix(1000, 0)
			case name != "restarts":
			case minute > 21:
				want = crash.Add(70 * time.Second)
			case minute > 20:
				want = crash
			case minute > 10:
				want = restart
			}
			require.InDelta(t, float64(want.UnixMilli())/1000, x.Samples[0].Start, 0.01, "%s at minute %d", name, minute)
		}
	}
	require.Equal(t, 4, exact, "at first, and after each restart")
}

// Uptimes of more processes than a query can name are read together.
func TestStartsOfManyUptimes(t *testing.T) {
	srv, s := real(t, nil)
	for i := range 3 {
		samples := map[string]float64{}
		for k := range 300 {
			of := fmt.Sprintf(`{job="x",instance="a-long-name-of-a-host.example.com:%d"}`, k)
			samples["go_goroutines"+of], samples["process_uptime_seconds"+of] = 1, float64(1000+60*i+k)
		}
		srv.Append(t, t0.Add(time.Duration(i)*time.Minute), samples)
	}
	w, err := s.Window(t.Context(), t0.Add(time.Minute), t0.Add(2*time.Minute))
	require.NoError(t, err)
	for _, asked := range srv.Queries() {
		require.Less(t, len(asked), 8<<10)
	}
	require.Len(t, w.Series, 300)
	for _, x := range w.Series {
		require.False(t, math.IsNaN(x.Samples[0].Start))
	}
}

// A shard only reads the exact starts of its own processes.
func TestStartsOfUptimesOfShards(t *testing.T) {
	srv, _ := real(t, nil)
	const n = 600
	for i := range 4 {
		samples := map[string]float64{}
		for k := range n {
			of := fmt.Sprintf(`{job="job-%d",instance="a-long-name-of-a-host.example.com:%d"}`, k%20, k)
			samples["go_goroutines"+of], samples["process_uptime_seconds"+of] = 1, float64(1000+60*i+k)
		}
		srv.Append(t, t0.Add(time.Duration(i)*time.Minute), samples)
	}
	found := map[string]float64{}
	for shard := range 2 {
		_, s := real(t, func(o *Options) {
			o.URL = srv.URL
			o.Share = &Share{GroupBy: []string{"job"}, Owns: anyOwner(shard, 2)}
		})
		exact := 0
		for minute := 1; minute < 4; minute++ {
			at := t0.Add(time.Duration(minute) * time.Minute)
			w, err := s.Window(t.Context(), at.Add(-time.Minute), at)
			require.NoError(t, err)
			for _, asked := range srv.Queries() {
				if strings.Contains(asked, "timestamp(") {
					exact++
					require.Contains(t, asked, `process_uptime_seconds{job=~"`)
				}
			}
			for _, x := range w.Series {
				instance := x.Labels.Get("instance")
				require.True(t, anyOwner(shard, 2)(labels.FromStrings("job", x.Labels.Get("job"))))
				if minute > 1 {
					require.Equal(t, found[instance], x.Samples[0].Start)
				}
				found[instance] = x.Samples[0].Start
			}
		}
		require.Equal(t, 1, exact)
	}
	require.Len(t, found, n)
	for k := range n {
		require.Equal(t, float64(t0.Unix()-1000-int64(k)), found[fmt.Sprintf("a-long-name-of-a-host.example.com:%d", k)])
	}
}
