package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// life is a process that leaks from its start on.
type life struct {
	instance string
	from, to time.Duration // since noon
	perHour  float64
}

// lives is a source of the processes of one service; each has 50 goroutines besides.
type lives []life

func (ls lives) Window(_ context.Context, from, to time.Time) (collector.Window, error) {
	w := collector.Window{From: from, To: to}
	byInstance := map[string]int{}
	for _, l := range ls {
		for t := from.Add(time.Minute); !t.After(to); t = t.Add(time.Minute) {
			d := t.Sub(noon)
			if d <= l.from || d > l.to {
				continue
			}
			i, ok := byInstance[l.instance]
			if !ok {
				i = len(w.Series)
				byInstance[l.instance] = i
				w.Series = append(w.Series, collector.Series{Labels: labels.FromStrings("namespace", "shop", "job", "checkout", "instance", l.instance)})
			}
			n := math.Round(50 + 4*math.Sin(d.Minutes()/7) + l.perHour*(d-l.from).Hours())
			w.Series[i].Samples = append(w.Series[i].Samples, collector.Sample{T: t.UnixMilli(), Count: n, Load: 0.2, Start: float64(noon.Add(l.from).Unix())})
		}
	}
	return w, nil
}

// after scans the first hours and returns the leak that is open then.
func (ls lives) after(t *testing.T, d time.Duration) (leak.Leak, *Result) {
	t.Helper()
	r, err := Run(t.Context(), Options{Source: ls, Start: noon, End: noon.Add(d), Window: 6 * time.Hour})
	require.NoError(t, err)
	require.Len(t, r.Leaks, 1)
	require.Equal(t, leak.Firing, r.Leaks[0].State)
	return r.Leaks[0], r
}

// Each pod leaks until it is replaced by the next one.
func TestScanCountsTheProcessesThatLive(t *testing.T) {
	const each, perHour = 100 * time.Minute, 15_000
	var ls lives
	for i := range 5 {
		ls = append(ls, life{fmt.Sprintf("10.0.0.%d:80", i), time.Duration(i) * each, time.Duration(i+1) * each, perHour})
	}
	for i := range ls {
		l, r := ls.after(t, time.Duration(i+1)*each-time.Minute)
		require.InDelta(t, perHour, l.Rate.Value, 0.1*perHour, "process %d", i)
		require.Equal(t, []string{ls[i].instance}, l.Instances)
		require.Equal(t, 1, l.InstancesTotal)
		require.InDelta(t, perHour*(each-time.Minute).Hours(), l.Leaked, 0.1*perHour*each.Hours())
		var b bytes.Buffer
		require.NoError(t, r.Table(&b, View{}))
		require.Contains(t, b.String(), "1 of 1")
	}
}

// One process restarts every twelve hours.
func TestScanSaysWhatARestartedProcessHolds(t *testing.T) {
	const each, perHour = 12 * time.Hour, 250
	var ls lives
	for i := range 6 {
		ls = append(ls, life{"10.0.0.1:80", time.Duration(i) * each, time.Duration(i+1) * each, perHour})
	}
	for _, age := range []time.Duration{20 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour, 11 * time.Hour} {
		l, _ := ls.after(t, 5*each+age)
		require.InDelta(t, perHour*age.Hours(), l.Leaked, 15, "%s after the restart", age)
		require.Equal(t, []string{"10.0.0.1:80"}, l.Instances)
	}
}

// A leak that grew for half a day and has been flat for five days is open and plateaued.
func TestScanSaysThatALeakHasPlateaued(t *testing.T) {
	f := shop()
	f.services["pool"] = func(d time.Duration) float64 { return busy(d) + 400*min(12, max(0, (d-6*time.Hour).Hours())) }
	o := f.options()
	o.End = noon.Add(6 * 24 * time.Hour)
	r, err := Run(t.Context(), o)
	require.NoError(t, err)
	i := slices.IndexFunc(r.Leaks, func(l leak.Leak) bool { return l.Service.Get("job") == "pool" })
	require.GreaterOrEqual(t, i, 0)
	l := r.Leaks[i]
	require.Equal(t, leak.Plateaued, l.Phase())
	require.InDelta(t, 4800, l.Leaked, 100)
	require.True(t, r.Open())

	var table, md, out bytes.Buffer
	require.NoError(t, r.Table(&table, View{}))
	require.NoError(t, r.Markdown(&md, View{}))
	require.NoError(t, r.JSON(&out))
	state := "; plateaued since " + stamp(l.PlateauedAt, r.End)
	for _, text := range []string{table.String(), md.String()} {
		rows := strings.Split(text, "\n")
		row := slices.IndexFunc(rows, func(s string) bool { return strings.Contains(s, "shop/pool") })
		require.Contains(t, rows[row], "plateaued")
		require.Contains(t, rows[row], state)
		require.NotContains(t, rows[row], "+0")
		for _, growing := range []string{"shop/checkout", "shop/cart"} {
			require.Less(t, slices.IndexFunc(rows, func(s string) bool { return strings.Contains(s, growing) }), row, "what grows comes first")
		}
		require.Contains(t, text, "3 leaks, 3 open (1 plateaued)")
	}
	var report struct {
		Leaks []struct {
			Service     map[string]string
			State       string
			PlateauedAt *time.Time `json:"plateaued_at"`
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &report))
	for _, x := range report.Leaks {
		if x.Service["job"] != "pool" {
			require.Equal(t, "firing", x.State)
			require.Nil(t, x.PlateauedAt)
			continue
		}
		require.Equal(t, "plateaued", x.State)
		require.Equal(t, l.PlateauedAt.UTC(), *x.PlateauedAt)
	}
}

// A leak without a running process says so.
func TestScanOfALeakWithoutALeakingProcess(t *testing.T) {
	ls := lives{{"10.0.0.1:80", 0, 10 * time.Hour, 300}, {"10.0.0.2:80", 10 * time.Hour, 48 * time.Hour, 0}}
	l, r := ls.after(t, 10*time.Hour+30*time.Minute)
	require.Empty(t, l.Instances)
	require.Equal(t, 1, l.InstancesTotal)
	require.Zero(t, l.Rate)
	var table, out bytes.Buffer
	require.NoError(t, r.Table(&table, View{}))
	require.Contains(t, table.String(), "none now")
	require.Contains(t, table.String(), "0 of 1")
	require.Contains(t, table.String(), "; no data from its instances since 22:00 UTC")
	require.NoError(t, r.JSON(&out))
	require.Contains(t, out.String(), `"instances": []`)

	// A resolved leak keeps its growth.
	r, err := Run(t.Context(), Options{Source: ls, Start: noon, End: noon.Add(24 * time.Hour)})
	require.NoError(t, err)
	require.Equal(t, leak.Resolved, r.Leaks[0].State)
	require.Equal(t, []string{"10.0.0.1:80"}, r.Leaks[0].Instances)
	require.InDelta(t, 300, r.Leaks[0].Rate.Value, 30)
	require.Zero(t, r.Leaks[0].Leaked)
}
