package query

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
)

const (
	defaultPoints = 600
	maxPoints     = 1000
	maxRange      = 120 * 24 * time.Hour
)

// timeOf reads a time as Prometheus' API takes it: Unix seconds or RFC 3339.
func timeOf(s string) (time.Time, error) {
	if x, err := strconv.ParseFloat(s, 64); err == nil && x > 0 && x < 1e11 {
		return time.UnixMilli(int64(x * 1000)), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil && t.Year() >= 1970 && t.Year() < 5000 {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%s is not a time, expected Unix seconds or RFC 3339", human.Line(strconv.Quote(s), 60))
}

// Span is the time that a request asks for, with a number of points.
type Span struct {
	From, To time.Time
	Points   int
	Load     bool // with the load
}

// NewSpan reads start, end, points and load; from and to are the defaults. Defaults that are
// too far apart are shortened, keeping their end.
func NewSpan(q url.Values, from, to time.Time) (s Span, err error) {
	if to.Sub(from) > maxRange {
		from = to.Add(-maxRange)
	}
	s = Span{From: from, To: to, Points: defaultPoints, Load: q.Get("load") == "true"}
	for name, t := range map[string]*time.Time{"start": &s.From, "end": &s.To} {
		if v := q.Get(name); v != "" {
			if *t, err = timeOf(v); err != nil {
				return s, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if v := q.Get("points"); v != "" {
		if s.Points, err = strconv.Atoi(v); err != nil || s.Points < 10 || s.Points > maxPoints {
			return s, fmt.Errorf("points: expected 10 to %d", maxPoints)
		}
	}
	switch d := s.To.Sub(s.From); {
	case d <= 0:
		return s, errors.New("end: expected a time after start")
	case d > maxRange:
		return s, fmt.Errorf("start: expected at most %s before end", human.Duration(maxRange))
	}
	return s, nil
}

// Step returns the time between two points: a multiple of the least step, or of a second
// if that is 0.
func (s Span) Step(least time.Duration) time.Duration {
	d := s.To.Sub(s.From) / time.Duration(s.Points)
	if least <= 0 {
		least = time.Second
	}
	if up := d.Truncate(least); up < d {
		d = up + least
	}
	return max(least, d)
}
