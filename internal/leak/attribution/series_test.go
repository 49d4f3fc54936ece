package attribution

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// hourly makes a series of profiles an hour apart, under a load.
func hourly(hours int, count, load func(hour float64) float64) stackSeries {
	var shots []Shot
	for h := range hours + 1 {
		st := &stack.Stack{Count: int64(math.Round(count(float64(h))))}
		shots = append(shots, Shot{
			Ref:      leak.ProfileRef{Time: t0.Add(time.Duration(h) * time.Hour)},
			Snapshot: &stack.Snapshot{Stacks: map[string]*stack.Stack{"x": st}},
			Load:     load(float64(h)),
		})
	}
	return seriesOf("x", shots)
}

func steady(float64) float64 { return 1 }

// day returns a load that goes from 1 to 5 and back each day.
func day(hour float64) float64 { return 3 - 2*math.Cos(2*math.Pi*hour/24) }

func unknown(float64) float64 { return math.NaN() }

func leaking(perHour, from float64) func(float64) float64 {
	return func(h float64) float64 { return perHour * max(0, h-from) }
}

func TestWhatFollowsTheLoadDoesNotGrow(t *testing.T) {
	serving := func(h float64) float64 { return 20 * day(h) }
	require.True(t, hourly(10, serving, unknown).grows(), "a morning, seen without a load")
	require.False(t, hourly(10, serving, day).grows())
	require.False(t, hourly(10, func(h float64) float64 { return 10 + 15*day(h) }, day).grows())

	// Requests wait where others get stuck. What the load does not explain is the leak.
	both := func(h float64) float64 { return serving(h) + leaking(7, 2)(h) }
	c := hourly(48, both, day)
	require.True(t, c.grows())
	require.Less(t, c.fallBack(), 10.0, "the night takes nothing back")
	rate, ok := c.rate()
	require.True(t, ok)
	require.InDelta(t, 7, rate.Value, 0.7)
	require.Less(t, rate.Low, 7.0)
	require.Greater(t, rate.High, 7.0)

	// Load that a leak itself causes does not explain it.
	c = hourly(10, leaking(40, 0), func(h float64) float64 { return 1 + h })
	require.True(t, c.grows())
	rate, _ = c.rate()
	require.InDelta(t, 40, rate.Value, 1)
}

func TestLasting(t *testing.T) {
	for name, c := range map[string]struct {
		count func(float64) float64
		load  func(float64) float64
		hours float64 // 0: it has none
	}{
		"a leak":                       {leaking(3, 0), steady, 45},
		"a leak that began meanwhile":  {leaking(3, 12), steady, 35},
		"a leak, the load unknown":     {leaking(3, 0), unknown, 45},
		"a leak under a daily load":    {leaking(3, 0), day, 45},
		"a leak that gets faster":      {func(h float64) float64 { return h * h / 10 }, steady, 38},
		"a few goroutines":             {leaking(0.5, 0), steady, 0},
		"a pool that fills in a day":   {func(h float64) float64 { return 200 * (1 - math.Exp(-h/24)) }, steady, 0},
		"a pool that fills in two":     {func(h float64) float64 { return 200 * (1 - math.Exp(-h/48)) }, steady, 0},
		"a step":                       {func(h float64) float64 { return 20 + 100*math.Min(1, math.Floor(h/20)) }, steady, 0},
		"days":                         {func(h float64) float64 { return 20 * day(h) }, day, 0},
		"days, the load unknown":       {func(h float64) float64 { return 20 * day(h) }, unknown, 0},
		"days, each busier than other": {func(h float64) float64 { return 20 * day(h) * (1 + h/200) }, func(h float64) float64 { return day(h) * (1 + h/200) }, 0},
		"a leak that was given back":   {func(h float64) float64 { return math.Mod(3*h, 70) }, steady, 0},
	} {
		t.Run(name, func(t *testing.T) {
			long, _ := hourly(48, c.count, c.load).lasting()
			require.InDelta(t, c.hours, long.Hours(), 2)
		})
	}
}

func TestRateNeedsProfiles(t *testing.T) {
	_, ok := hourly(2, leaking(100, 0), steady).rate()
	require.False(t, ok, "the leak began somewhere between the first two")
	_, ok = hourly(9, leaking(0.2, 0), steady).rate()
	require.False(t, ok)
}

func TestPartsOfOneLeakGrowByOneCourse(t *testing.T) {
	// One function that blocks, called from three handlers.
	var profiles []profile
	for i := range int64(8) {
		profiles = append(profiles, profile{&blocked: 50 * i, &sibling: 20*i + i%2, &other: 8 * i, &worker: 8})
	}
	as, why := Attribute([]History{history("a", profiles...)})
	require.Empty(t, why)
	require.Len(t, as, 1)
	require.Len(t, as[0].Stacks, 3)
	require.Equal(t, "chan send", as[0].Stacks[0].Op)
	require.InDelta(t, 78*60, as[0].Rates["a"].Value, 60)
}

func TestInstanceWhoseStacksStayIsClean(t *testing.T) {
	as, _ := Attribute([]History{
		history("a", profile{&blocked: 0}, profile{&blocked: 20}, profile{&blocked: 40}),
		history("b", profile{&idle: 10}, profile{&idle: 31}, profile{&idle: 19}),
	})
	require.Len(t, as, 1)
	require.Equal(t, []string{"a"}, as[0].Instances)
	require.Equal(t, []string{"b"}, as[0].Clean)
}

func TestPairsThatPart(t *testing.T) {
	// Each request starts a sender and a follower, until the followers return
	// early.
	early := []profile{{&blocked: 6, &sibling: 6, &worker: 8}, {&blocked: 11, &sibling: 11, &worker: 8}, {&blocked: 4, &sibling: 4, &worker: 8}, {&blocked: 8, &sibling: 8, &worker: 8}}
	h := history("a", append(early, profile{&blocked: 30, &sibling: 9, &worker: 8}, profile{&blocked: 55, &sibling: 7, &worker: 8}, profile{&blocked: 80, &sibling: 8, &worker: 8})...)
	h.Onset, h.Leaked = t0.Add(3*time.Minute+30*time.Second), 70
	as, why := Attribute([]History{h})
	require.Empty(t, why)
	require.Len(t, as, 1)
	p := as[0].Stacks[0].Partner
	require.NotNil(t, p)
	require.Equal(t, "example.org/shop.(*Follower).wait", p.Key.Func)
	require.EqualValues(t, 8, p.Both)
	require.EqualValues(t, 8, p.Head)
	require.Equal(t, t0.Add(3*time.Minute), p.At)

	// Eight workers are not the partners of eight senders that there happened to be.
	for i := range h.Shots[:4] {
		delete(h.Shots[i].Snapshot.Stacks, p.Signature)
	}
	as, _ = Attribute([]History{h})
	require.Nil(t, as[0].Stacks[0].Partner)
}

func TestFilling(t *testing.T) {
	pool := func(size, tau float64) func(float64) float64 {
		return func(h float64) float64 { return size * (1 - math.Exp(-h/tau)) }
	}
	evening := func(h float64) float64 { return 5 - h/3 }
	for name, c := range map[string]struct {
		hours   int
		count   func(float64) float64
		load    func(float64) float64
		earlier func(float64) float64 // the 40 hours of an earlier process; nil: none is known
		filling bool
	}{
		"a leak":                                   {12, leaking(20, 1), steady, nil, false},
		"a pool that fills":                        {12, pool(400, 4), steady, nil, true},
		"a pool that fills, the load unknown":      {12, pool(400, 4), unknown, nil, true},
		"a pool of which little is seen":           {4, pool(400, 8), steady, nil, false},
		"a small pool is no more than chance":      {12, pool(30, 5), steady, nil, false},
		"a leak that comes in bursts":              {12, func(h float64) float64 { return 100 * math.Ceil(math.Sqrt(3*h)) }, steady, nil, false},
		"a leak that requests feed, at night":      {12, func(h float64) float64 { return 150*h - 5*h*h }, evening, nil, false},
		"the same, if there was as much to do":     {12, func(h float64) float64 { return 150*h - 5*h*h - h*h*h/6 }, steady, nil, true},
		"a pool that was full before":              {4, pool(400, 8), steady, pool(400, 8), true},
		"a pool that was smaller before":           {4, pool(400, 8), steady, pool(90, 8), false},
		"a leak until the restart":                 {4, leaking(50, 0), steady, leaking(50, 0), false},
		"a leak that began shortly before it":      {4, leaking(50, 0), steady, leaking(50, 32), false},
		"a leak that came with the version of now": {4, leaking(50, 0), steady, leaking(0, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			h := History{Instance: "a", Onset: t0, Shots: shotsOf(0, c.hours, c.count, c.load)}
			if c.earlier != nil {
				for _, age := range []int{40, 36, 32, 16, 8, 4, 2, 1, 0} {
					h.Earlier = append(h.Earlier, shotsOf(40-age, 40-age, c.earlier, steady)...)
				}
			}
			as, why := Attribute([]History{h})
			require.Empty(t, why)
			require.Len(t, as, 1)
			require.Equal(t, c.filling, as[0].Filling)
		})
	}
}

// A job that runs several times has the same workers each time. A leak never gives anything
// back.
func TestWhatWasGivenBackBefore(t *testing.T) {
	for name, c := range map[string]struct {
		before float64 // the count in the hours before the onset
		rest   float64 // the count at the onset
		want   bool
	}{
		"a job that has run before":           {200, 0, true},
		"one that was smaller":                {90, 0, false},
		"a leak of which half stayed":         {400, 210, false},
		"the first that there is of its kind": {0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			shots := shotsOf(0, 3, func(float64) float64 { return c.before }, steady)
			shots = append(shots, shotsOf(4, 8, func(h float64) float64 { return c.rest + 200*(h-4)/4 }, steady)...)
			as, why := Attribute([]History{{Instance: "a", Onset: t0.Add(4*time.Hour + time.Minute), Shots: shots}})
			require.Empty(t, why)
			require.Len(t, as, 1)
			require.Equal(t, c.want, as[0].Filling)
		})
	}
}

// shotsOf makes profiles an hour apart, of the hours since t0.
func shotsOf(from, to int, count, load func(float64) float64) (shots []Shot) {
	for h := from; h <= to; h++ {
		x := worker
		x.Count = int64(math.Round(count(float64(h))))
		p := &collector.Profile{Kind: collector.KindGoroutine, Format: collector.FormatDebug2, Records: []collector.Record{x}, Total: x.Count}
		shots = append(shots, Shot{Ref: leak.ProfileRef{Time: t0.Add(time.Duration(h) * time.Hour), Total: x.Count}, Snapshot: stack.Of(p), Load: load(float64(h))})
	}
	return shots
}

// Goroutines that an outage leaves behind come at once and stay.
func TestStanding(t *testing.T) {
	came := func(n, from, to float64) func(float64) float64 {
		return func(h float64) float64 {
			if h < from || h >= to {
				return 0
			}
			return n
		}
	}
	for name, c := range map[string]struct {
		count, load func(float64) float64
		hours, came float64
	}{
		"after an outage":            {came(100, 20, 99), steady, 28, 19},
		"more after each":            {func(h float64) float64 { return came(40, 20, 99)(h) + came(60, 40, 99)(h) }, steady, 28, 19},
		"they end":                   {came(100, 20, 40), steady, 0, 0},
		"a few":                      {came(20, 20, 99), steady, 0, 0},
		"not for long yet":           {came(100, 44, 99), steady, 0, 0},
		"since the start":            {came(100, 1, 99), steady, 0, 0},
		"they follow the load":       {func(h float64) float64 { return 30 + came(60, 20, 99)(h) }, func(h float64) float64 { return 1 + h/1000 + came(2, 20, 99)(h) }, 0, 0},
		"many more than before that": {func(h float64) float64 { return 100 + came(80, 20, 99)(h) }, steady, 28, 19},
		"not many more":              {func(h float64) float64 { return 100 + came(50, 20, 99)(h) }, steady, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			long, since := hourly(48, c.count, c.load).standing()
			require.InDelta(t, c.hours, long.Hours(), 1e-9)
			require.InDelta(t, c.came, since, 1e-9)
		})
	}
}

// Such goroutines are found if they are blocked where healthy ones do not wait for long.
func TestGoroutinesThatAnOutageLeftAreFound(t *testing.T) {
	var profiles []profile
	for i := range 30 {
		p := profile{&worker: 8, &idle: 4}
		if i >= 10 {
			p[&blocked], p[&sibling] = 60, 60
		}
		profiles = append(profiles, p)
	}
	h := history("a", profiles...)
	h.Leaked = 0 // the counts show no growth
	as, why := Attribute([]History{h})
	require.Empty(t, why)
	require.Len(t, as, 1)
	require.Equal(t, "example.org/shop.handle.func1", as[0].Stacks[0].Key.Func)
	require.Equal(t, 19*time.Minute, as[0].Lasting)
	require.Equal(t, t0.Add(9*time.Minute), as[0].Onset)
}

// The pace of a leak follows the load, which may be unknown. That of a pool falls further.
func TestHalved(t *testing.T) {
	slower := func(h float64) float64 { return 600*min(h, 6) + 320*max(0, h-6) }
	filling := func(h float64) float64 { return 400 * (1 - math.Exp(-h/4)) }
	for name, c := range map[string]struct {
		count  func(float64) float64
		halved bool
	}{"a leak under less load": {slower, false}, "a pool": {filling, true}} {
		as, why := Attribute([]History{{Instance: "a", Onset: t0, Shots: shotsOf(0, 12, c.count, unknown)}})
		require.Empty(t, why)
		require.True(t, as[0].Filling, name)
		require.Equal(t, c.halved, as[0].Halved, name)
	}
}

// The load is known for each hour. If it fell from one hour to the next, that neither excuses a pool
// that slows down, nor was growth hidden by it.
func TestOneStepOfTheLoadExcusesNoPool(t *testing.T) {
	minutes := []int{0, 1, 2, 4, 8, 12, 16, 20, 24, 28, 33, 45, 57, 62}
	filling := []float64{61, 72, 87, 103, 137, 162, 181, 196, 204, 213, 220, 226, 231, 232}
	var shots []Shot
	for i, m := range minutes {
		load := 0.0022
		if m > 40 {
			load = 0.001
		}
		shot := shotsOf(0, 0, func(float64) float64 { return filling[i] }, func(float64) float64 { return load })[0]
		shot.Ref.Time = t0.Add(time.Duration(m) * time.Minute)
		shots = append(shots, shot)
	}
	as, why := Attribute([]History{{Instance: "a", Onset: t0, Shots: shots}})
	require.Empty(t, why)
	require.True(t, as[0].Halved)
}
