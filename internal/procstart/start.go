package procstart

import "time"

// Tolerance is by how much two starts of one process may differ: exporters
// compute the start from the uptime, so it wobbles by a second or two.
const Tolerance = 2 * time.Second

// Time is the start of a process in Unix seconds. NaN, 0 and negative values
// mean that it is not known.
type Time float64

// At returns the start at a time; the zero time is not known.
func At(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(float64(t.Unix()) + float64(t.Nanosecond())/1e9)
}

// Known reports whether the start is known.
func (s Time) Known() bool { return s > 0 }

// Same reports whether both starts are known and are those of one process.
func (s Time) Same(other Time) bool {
	return s.Known() && other.Known() && !s.apart(other)
}

// Differs reports whether both starts are known and are those of two processes.
func (s Time) Differs(other Time) bool {
	return s.Known() && other.Known() && s.apart(other)
}

// After reports whether both starts are known and s is that of a later process.
func (s Time) After(other Time) bool { return s.Differs(other) && s > other }

func (s Time) apart(other Time) bool {
	return max(s-other, other-s) > Time(Tolerance.Seconds())
}
