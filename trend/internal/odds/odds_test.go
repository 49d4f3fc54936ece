package odds

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// straight makes a rise in a straight line, from its length and its pace relative to what ran
// before.
func straight(hours, perHour float64) Rise {
	r := Rise{Hours: hours, Ratio: perHour * hours, Z: 50, Steady: true, Pace: Pace{N: 3}}
	for i := range Parts {
		r.Pace.Ratio[i], r.Pace.SD[i], r.Pace.Work[i] = 1, LeastPace, 1
	}
	return r
}

// old is a service that has been watched for ten days, with a process of that age.
func old() *Expectation { return &Expectation{Days: 10, Age: 240} }

// The longer a rise goes on, at any pace, the more certainly it is a leak.
func TestConfidenceGrowsWithTime(t *testing.T) {
	for _, perHour := range []float64{0.02, 0.1, 1, 10, 100} {
		last := 0.0
		for _, hours := range []float64{1, 3, 10, 30, 100, 300} {
			c, _ := Weigh(straight(hours, perHour), old())
			require.Greater(t, c, last-1e-9, "%g h at %g an hour", hours, perHour)
			last = c
		}
		require.Greater(t, last, 0.95, "%g an hour", perHour)
	}
}

// Until says when the confidence is reached, and not earlier.
func TestUntil(t *testing.T) {
	for _, perHour := range []float64{0.05, 0.5, 5} {
		r := straight(1, perHour)
		wait := Until(r, old(), 0.95)
		require.Positive(t, wait)
		before, _ := Weigh(straight(1+0.7*wait, perHour), old())
		after, _ := Weigh(straight(1+wait, perHour), old())
		require.Less(t, before, 0.95)
		require.GreaterOrEqual(t, after, 0.949)
	}
	require.Zero(t, Until(straight(0.1, 0.02), old(), 1-1e-12), "not within a week")
}

// A pace that falls as that of a pool does is explained by a pool. One that wanders does not speak
// for a leak.
func TestShape(t *testing.T) {
	leak, _ := Weigh(straight(12, 0.2), old())
	pool := straight(12, 0.2)
	pool.Pace.Ratio = [Parts]float64{1.4, 0.95, 0.65}
	filling, other := Weigh(pool, old())
	require.Less(t, filling, leak)
	require.Equal(t, ByFilling, other)
	wander := straight(1, 0.5)
	wander.Pace.Ratio = [Parts]float64{0.4, 1.9, 0.7}
	straightOne, _ := Weigh(straight(1, 0.5), old())
	wandering, other := Weigh(wander, old())
	require.Less(t, wandering, straightOne)
	require.Equal(t, BySwing, other)

	// Unless the load wanders in the same way.
	wander.Pace.Work = wander.Pace.Ratio
	withWork, _ := Weigh(wander, old())
	require.Greater(t, withWork, wandering)
}

// A rise that fell back before explains a similar one, but not a larger one.
func TestWhatItDidBefore(t *testing.T) {
	var days *Habits
	for range 5 {
		days = days.Occasion()
		days.Note(9, 2)
	}
	known := old()
	known.Swings = days.Expect(known.Days + 1)
	require.Len(t, known.Swings, 1, "alike ones are one")
	r := straight(8, 2.0/9)
	plain, _ := Weigh(r, old())
	learned, other := Weigh(r, known)
	require.Less(t, learned, plain/2)
	require.Equal(t, BySwing, other)
	beyond, _ := Weigh(straight(40, 2.0/9), known)
	require.Greater(t, beyond, 0.95)
}

// After its start a process may do what the earlier ones did. If those grew until they ended, it
// leaks.
func TestStarts(t *testing.T) {
	at := func(h *Habits) *Expectation {
		return &Expectation{
			Days: 3, Age: 1, Total: 1, Fresh: true, Young: true,
			Starts: h.Expect(h.Seen() + 1), Seen: h.Seen(), Unfinished: h.Unfinished(),
		}
	}
	var warm, leaky, calm *Habits
	for range 5 {
		warm, leaky, calm = warm.Occasion(), leaky.Occasion(), calm.Occasion()
		warm.Note(1, 1)
		leaky.NoteUnfinished()
	}
	confidence := func(h *Habits) float64 {
		c, _ := Weigh(straight(1, 1), at(h))
		return c
	}
	require.Less(t, confidence(warm), confidence(nil))
	require.Less(t, confidence(nil), confidence(calm))
	require.Less(t, confidence(calm), confidence(leaky))
}

func TestHabitsAreBounded(t *testing.T) {
	var h *Habits
	for i := range 1000 {
		h = h.Occasion()
		h.Note(math.Exp(float64(i%37)-10), math.Exp(float64(i%13)-5))
	}
	require.LessOrEqual(t, len(h.list), maxHabits)
	require.EqualValues(t, 1000, h.Seen())
}

func FuzzWeigh(f *testing.F) {
	f.Add(1.0, 1.0, 5.0, 1.0, 0.1, 3.0)
	f.Add(1e-3, 1e-6, 4.0, 0.0, 1e-3, 0.0)
	f.Add(1e4, 1e6, 1e5, 50.0, 30.0, 100.0)
	f.Fuzz(func(t *testing.T, hours, ratio, z, part, sd, days float64) {
		for _, x := range []float64{hours, ratio, z, sd} {
			if !(x > 1e-6 && x < 1e9) {
				t.Skip()
			}
		}
		if !(math.Abs(part) < 1e6) || !(days >= 0 && days < 1e6) {
			t.Skip()
		}
		r := straight(hours, ratio/hours)
		r.Z = z
		r.Pace.Ratio[1], r.Pace.SD[1] = part, max(LeastPace, sd)
		for _, young := range []bool{false, true} {
			c, _ := Weigh(r, &Expectation{Days: days, Age: hours, Total: ratio, Young: young, Fresh: young})
			if !(c >= 0 && c <= 1) {
				t.Fatal(fmt.Sprint(c, r))
			}
		}
	})
}
