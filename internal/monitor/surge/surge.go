package surge

import (
	"math"
	"time"

	"github.com/gorowatch/gorowatch/trend"
)

const (
	// maxSamples is how many samples of an instance are remembered.
	maxSamples = 20
	// records is how many samples in a row must each be the highest so far. One is not enough: it
	// may be a burst of traffic during a scrape.
	records = 2
	// streak is how many must be if little is known of what is usual, as after the start of an
	// instance, or if the count varies a lot: noise rarely rises that often in a row.
	streak = 6
	// leastBefore is how many earlier samples are needed to know what is usual.
	leastBefore = 5
	// lasts is for how many samples a surge continues without a new highest one, and longest for
	// how many in all. By then the trend can judge the growth.
	lasts   = 5
	longest = 20
	// workSamples is how many samples measure the present work. Each is already a rate over
	// minutes.
	workSamples = 2
)

// Sample is one scrape of an instance.
type Sample struct {
	At    time.Time
	Count float64
	Load  float64 // NaN: unknown
}

// Series is the last samples of one instance. The zero value is ready to use.
type Series struct {
	at    [maxSamples]int64 // Unix milliseconds, oldest first
	count [maxSamples]float32
	load  [maxSamples]float32
	n     int
	// onset is the time of the last sample before the surge, 0 if there is none; level is the
	// highest count up to then.
	onset int64
	level float32
	// highest is the highest sample of the surge, since how many samples ago it was, and age how
	// many samples the surge has lasted.
	highest    float32
	since, age int
}

// Rise is a surge of one instance.
type Rise struct {
	// Onset is the time of the last sample before the surge.
	Onset time.Time
	// Level is the highest count before the surge, Count the latest.
	Level, Count float64
	// Hours is how long the surge has lasted.
	Hours float64
}

// Observe adds a sample, unless it is no later than the last one. If samples were missing for longer
// than gap, it starts over; not after a restart, because a new version may leak from its start.
func (s *Series) Observe(x Sample, gap time.Duration) {
	if math.IsNaN(x.Count) || math.IsInf(x.Count, 0) || x.Count < 0 {
		return
	}
	at := x.At.UnixMilli()
	if s.n > 0 {
		last := s.at[s.n-1]
		switch {
		case at <= last:
			return
		case at-last > gap.Milliseconds():
			*s = Series{}
		}
	}
	if s.n == maxSamples {
		copy(s.at[:], s.at[1:])
		copy(s.count[:], s.count[1:])
		copy(s.load[:], s.load[1:])
		s.n--
	}
	s.at[s.n], s.count[s.n], s.load[s.n] = at, float32(x.Count), float32(x.Load)
	s.n++
	s.follow()
}

// follow begins, continues or ends a surge with the latest sample.
func (s *Series) follow() {
	now := s.count[s.n-1]
	if s.onset == 0 {
		s.begin()
		return
	}
	s.age++
	s.since++
	if now > s.highest {
		s.highest, s.since = now, 0
	}
	if s.since >= lasts || s.age >= longest || now-s.level < (s.highest-s.level)/2 {
		s.onset = 0
	}
}

// begin begins a surge if the latest samples are each higher than all before them: either records of
// them, by more than the earlier samples vary, or streak of them.
func (s *Series) begin() {
	now := s.count[s.n-1]
	if low, high, ok := s.rises(records); ok && s.n-records >= leastBefore && now-high > high-low {
		s.start(records, high)
	}
	if _, high, ok := s.rises(streak); ok && s.onset == 0 {
		s.start(streak, high)
	}
}

// start begins a surge with a number of the latest samples, if they have grown by as much as counts as
// growth for the trend.
func (s *Series) start(latest int, level float32) {
	if now := s.count[s.n-1]; float64(now-level) >= trend.LeastGrowth(float64(level)) {
		s.onset, s.level, s.highest, s.since, s.age = s.at[s.n-latest-1], level, now, 0, 0
	}
}

// rises reports whether a number of the latest samples are each higher than all before them. low and
// high are the lowest and the highest sample before these.
func (s *Series) rises(latest int) (low, high float32, ok bool) {
	before := s.n - latest
	if before < 1 {
		return 0, 0, false
	}
	low, high = s.count[0], s.count[0]
	for _, x := range s.count[1:before] {
		low, high = min(low, x), max(high, x)
	}
	top := high
	for _, x := range s.count[before:s.n] {
		if x <= top {
			return low, high, false
		}
		top = x
	}
	return low, high, true
}

// Rise returns the present surge; ok is false if there is none.
func (s *Series) Rise() (r Rise, ok bool) {
	if s.onset == 0 {
		return r, false
	}
	last := s.n - 1
	return Rise{
		Onset: time.UnixMilli(s.onset).UTC(), Level: float64(s.level), Count: float64(s.count[last]),
		Hours: float64(s.at[last]-s.onset) / float64(time.Hour/time.Millisecond),
	}, true
}

// Work returns the load of the latest samples relative to the load before a time, of which it takes the
// lowest, because small loads vary a lot; NaN: one of the two is unknown.
func (s *Series) Work(before time.Time) float64 {
	least, present := math.Inf(1), 0.0
	var nPast, nPresent int
	until := before.UnixMilli()
	for i := range s.n {
		x := float64(s.load[i])
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
		case s.at[i] <= until:
			least, nPast = min(least, x), nPast+1
		case i >= s.n-workSamples:
			present, nPresent = present+x, nPresent+1
		}
	}
	if nPast == 0 || nPresent == 0 || least <= 0 {
		return math.NaN()
	}
	return present / float64(nPresent) / least
}
