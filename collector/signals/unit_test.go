package signals

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func TestUnits(t *testing.T) {
	s := Default()
	names := DefaultNames().Load
	units := s.Load.Units()
	require.Len(t, units, len(names))
	cpu := s.Load.Rank("process_cpu_seconds_total")
	for i, name := range names {
		want := i
		if name == "process_cpu_time_seconds_total" || name == "container_cpu_usage_seconds_total" {
			want = cpu
		}
		require.EqualValues(t, want, units[i], name)
	}
}

// A process keeps the unit of its load until it ends, or has no load for a day.
func TestLoadUnit(t *testing.T) {
	const created, cpu = 0, 1
	unknown := math.NaN()
	var u LoadUnit
	minute := int64(0)
	keep := func(start, load float64, unit int8) float64 {
		minute++
		return u.Keep(minute*60_000, start, load, unit, true)
	}
	same := func(want, got float64) {
		t.Helper()
		if math.IsNaN(want) {
			require.True(t, math.IsNaN(got), got)
			return
		}
		require.Equal(t, want, got)
	}
	require.True(t, math.IsNaN(u.Keep(0, 1000, 5, created, false)), "not all metrics were asked for")
	same(5, keep(1000, 5, created))
	same(unknown, keep(1000, 0.1, cpu))
	same(unknown, keep(unknown, 0.1, cpu))
	same(unknown, keep(1001, 0.1, cpu)) // the start wobbles
	same(6, keep(1000, 6, created))
	same(0.1, keep(2000, 0.1, cpu)) // another process
	same(unknown, keep(2000, 7, created))
	same(0.2, keep(unknown, 0.2, cpu))
	minute += 24*60 - 1
	same(7, keep(2000, 7, created))
	same(unknown, keep(2000, 0.1, cpu))
}

// A process has one unit from its first load to its last, in one window and from window to
// window.
func TestSamplesKeepTheUnit(t *testing.T) {
	s, err := Parse(Names{Load: []string{"requests_total", "process_cpu_seconds_total"}})
	require.NoError(t, err)
	var unit LoadUnit
	read := func(from, to int) []collector.Sample {
		r := s.NewRaw()
		points := make([]Points, 3)
		for i := from - 6; i < to; i++ {
			add := func(p *Points, v float64) { p.T, p.V = append(p.T, int64(i)*60_000), append(p.V, v) }
			if i >= from {
				add(&points[0], 10)
			}
			if i < 20 {
				add(&points[1], 600*float64(i))
			}
			add(&points[2], 6*float64(i))
		}
		r.Goroutines[0], r.Load[0], r.Load[1] = points[:1], points[1:2], points[2:3]
		out, _ := s.Samples(&r, &unit)
		require.Len(t, out, to-from)
		return out
	}
	for i, x := range append(read(10, 30), read(30, 50)...) {
		if i < 10 {
			require.InDelta(t, 10, x.Load, 1e-9)
		} else {
			require.False(t, x.Load < 0.5, "minute %d: the CPU time", 10+i)
		}
	}
}
