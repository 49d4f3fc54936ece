package attribution

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

func TestDoubt(t *testing.T) {
	pool := func(size, tau float64) func(float64) float64 {
		return func(h float64) float64 { return size * (1 - math.Exp(-h/tau)) }
	}
	job := func(h float64) float64 { return 200 * min(1, max(0, h-1)/4) } // starts its goroutines for four hours
	for name, c := range map[string]struct {
		hours int
		count func(float64) float64
		load  func(float64) float64
		want  string // part of the doubt; empty: there is none
	}{
		"a leak":                          {7, leaking(20, 1), steady, ""},
		"a leak, the load unknown":        {7, leaking(20, 1), unknown, ""},
		"a leak that makes work":          {7, leaking(40, 0), func(h float64) float64 { return 1 + h }, ""},
		"a leak that comes in bursts":     {20, func(h float64) float64 { return 30 * math.Floor(h/2) }, steady, ""},
		"a leak of which little was seen": {6, leaking(20, 1), steady, "5 of the 6 profiles"},
		"a few goroutines":                {12, leaking(2, 1), steady, "too few"},
		"steps of a base level":           {12, func(h float64) float64 { return 50 * min(2, math.Floor(h/4)) }, steady, "steadily"},
		"a step on the way":               {12, func(h float64) float64 { return 4*h + 60*math.Floor(h/8) }, steady, "at once"},
		"a warm-up":                       {8, pool(600, 8), steady, "more slowly"},
		"a warm-up in the evening":        {8, pool(600, 8), func(h float64) float64 { return 5 - h/3 }, "more slowly"},
		"a pool":                          {12, pool(400, 12), steady, "more slowly"},
		"a pool while the load rises":     {12, func(h float64) float64 { return 20 + pool(100, 6)(h) + h*h/2 }, func(h float64) float64 { return 1 + h*h/50 }, "more slowly"},
		"a pool while the load falls":     {8, func(h float64) float64 { return 100 + pool(300, 8)(h) }, func(h float64) float64 { return 5 - h*h/20 }, "more slowly"},
		"a job that has fanned out":       {7, job, steady, "more slowly"},
		"what came back once":             {12, func(h float64) float64 { return 20*h - 60*math.Floor(h/8) }, steady, "came back"},
	} {
		t.Run(name, func(t *testing.T) {
			why := hourly(c.hours, c.count, c.load).reasonToDoubt()
			if c.want == "" {
				require.Empty(t, why)
			}
			require.Contains(t, why, c.want)
		})
	}
}

// Pulls under suspicion come every two minutes at first, and then further and further apart. So most
// of a steady growth is between the last two.
func TestProfilesFarApartAreNoStep(t *testing.T) {
	var shots []Shot
	for _, minute := range []float64{0, 30, 32, 34, 36, 38, 42, 50, 66, 98, 158} {
		st := &stack.Stack{Count: int64(2 * max(0, minute-20))}
		shots = append(shots, Shot{
			Ref:      leak.ProfileRef{Time: t0.Add(time.Duration(minute * float64(time.Minute)))},
			Snapshot: &stack.Snapshot{Stacks: map[string]*stack.Stack{"x": st}},
		})
	}
	for n := 8; n <= len(shots); n++ {
		require.Empty(t, seriesOf("x", shots[:n]).reasonToDoubt(), n)
	}
}

// The shape of most of the growth counts.
func TestDoubtOfSeveralInstances(t *testing.T) {
	at := func(instance string, count func(float64) float64) History {
		return History{Instance: instance, Onset: t0, Shots: shotsOf(0, 10, count, steady)}
	}
	pool := func(h float64) float64 { return 130 * (1 - math.Exp(-h/6)) }
	for n, want := range map[float64]string{30: "", 3: "more slowly"} {
		as, why := Attribute([]History{at("a", leaking(n, 1)), at("b", pool)})
		require.Empty(t, why)
		require.Len(t, as, 1)
		require.Contains(t, as[0].Doubt, want)
		require.Equal(t, want == "", as[0].Doubt == "")
	}
}
