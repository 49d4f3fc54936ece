package odds

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The parts add up to the log-odds of Weigh, and the shares to 1.
func TestExplainAddsUp(t *testing.T) {
	fresh := &Expectation{Days: 3, Age: 5, Total: 0.7, Fresh: true, Young: true, Refill: 0.9, Seen: 2}
	for _, e := range []*Expectation{old(), fresh} {
		for _, hours := range []float64{0.5, 3, 20, 200} {
			r := straight(hours, 0.2)
			confidence, other := Weigh(r, e)
			x := Explain(r, e)
			require.Equal(t, other, x.Other)
			sum := 0.0
			for _, s := range x.Shares {
				sum += s
			}
			require.InDelta(t, 1, sum, 1e-9)
			require.InDelta(t, confidence, x.Shares[ByLeak], 1e-9)
			require.InDelta(t, math.Log(confidence/(1-confidence)), x.Often+x.Extent+x.Shape+x.Rest, 1e-6)
		}
	}
}

// A process that grows to where the earlier one had levelled off does not leak yet.
func TestRefill(t *testing.T) {
	e := &Expectation{Days: 10, Age: 30, Total: 0.8}
	r := straight(28, 0.8/28)
	plain, _ := Weigh(r, e)
	e.Refill = 1
	refilling, other := Weigh(r, e)
	require.Equal(t, ByWarmUp, other)
	require.Less(t, refilling, plain-0.3)
	require.True(t, Explain(r, e).Learned)

	e.Age, e.Total = 150, 4
	beyond, _ := Weigh(straight(148, 4.0/148), e)
	require.Greater(t, beyond, 0.95)
}

// A cache whose size grows with the logarithm of time slows down without ever stopping.
func TestCurves(t *testing.T) {
	r := straight(24, 0.05)
	r.Pace.DropFirst()
	steady, _ := Weigh(r, old())
	sum := 0.0
	for i := range r.Pace.N {
		r.Pace.Ratio[i] = math.Log1p(1 / (float64(i+1) + 0.15))
		sum += r.Pace.Ratio[i] / float64(r.Pace.N)
	}
	for i := range r.Pace.N {
		r.Pace.Ratio[i] /= sum
	}
	slowing, other := Weigh(r, old())
	require.Less(t, slowing, steady)
	require.Equal(t, ByFilling, other)
}
