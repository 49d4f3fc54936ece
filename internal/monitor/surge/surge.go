package surge

import (
	"math"
	"time"

	"github.com/gorowatch/gorowatch/trend"
)

const (
	// history is how many samples of an instance are remembered.
	history = 20
	// records is how many samples in a row must each be the highest so far: a single one may be
	// a burst of traffic during a scrape.
	records = 2
	// streak is how many samples in a row must each be the highest so far after the start of an
	// instance, or if the count varies a lot: noise rarely rises so often.
	streak = 6
	// leastBefore is how many earlier samples are needed to know what is usual.
	leastBefore = 5
	// lasts is for how many samples a surge continues without a new highest sample, and longest
	// for how many in all. By then the trend can judge it.
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
	at    [history]int64 // Unix milliseconds, oldest first
	count [history]float32
	load  [history]float32
	n     int
	// onset is the time of the last sample before the surge, level the highest count up to it;
	// 0: there is no surge.
	onset int64
	level float32
	// highest is the highest sample of the surge, and since how many samples it has been so;
	// age is the number of samples of the surge.
	highest    float32
	since, age int
}

// Rise is a surge of one instance.
type Rise struct {
	// Onset is when the count was last usual.
	Onset time.Time
	// Level is the highest count before it, Count the latest.
	Level, Count float64
	// Hours is for how long it has lasted.
	Hours float64
}

// Observe adds a sample that is later than all before. After a gap of more than gap it starts
// over. What is usual outlives a process: a new version may leak from its start.
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
	if s.n == history {
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

// begin begins a surge if the latest samples are each higher than all before them: a few by
// more than usual, or many.
func (s *Series) begin() {
	now := s.count[s.n-1]
	if low, high, ok := s.rises(records); ok && s.n-records >= leastBefore && now-high > high-low {
		s.start(records, high)
	}
	if _, high, ok := s.rises(streak); ok && s.onset == 0 {
		s.start(streak, high)
	}
}

// start begins a surge with a number of the latest samples, if they have grown by as much as
// the trend sees.
func (s *Series) start(latest int, level float32) {
	if now := s.count[s.n-1]; float64(now-level) >= trend.LeastGrowth(float64(level)) {
		s.onset, s.level, s.highest, s.since, s.age = s.at[s.n-latest-1], level, now, 0, 0
	}
}

// rises reports whether a number of the latest samples are each higher than all before them,
// and returns the lowest and the highest of these.
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

// Work returns the load of the latest samples relative to the least before a time, because
// small loads vary much; NaN: one of them is unknown.
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
