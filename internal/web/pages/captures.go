package pages

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
)

// captureRow is a capture in a list.
type captureRow struct {
	At       stamp
	Why      string
	Instance string
	Profiles int
	Func     string // the one that grew most; empty: none grew
	Place    string
	Delta    string
	Compare  string // URL; empty: there is nothing to compare
	Error    string
}

// maxCaptureRows bounds the captures that a page shows.
const maxCaptureRows = 10

// capturesOf returns the captures of a service since a time, the newest first.
func (h *Handler) capturesOf(service labels.Labels, since time.Time) (rows []captureRow) {
	for _, c := range h.o.Backend.Captures() {
		if !labels.Equal(c.Service, service) || c.At.Before(since) {
			continue
		}
		if len(rows) == maxCaptureRows {
			break
		}
		r := captureRow{
			At: h.stamp(c.At), Why: human.Line(c.Why, maxName), Instance: human.Line(c.Instance, maxName),
			Profiles: len(c.Profiles), Error: human.Line(c.Error, maxWords),
		}
		if n := len(c.Profiles); n > 1 && c.Profiles[0].Key != "" && c.Profiles[n-1].Key != "" {
			r.Compare = h.comparison(c.Profiles[0].Key, c.Profiles[n-1].Key).URL
			if len(c.Stacks) > 0 {
				s := c.Stacks[0]
				r.Func = human.Func(s.Key.Func, maxFunc)
				r.Place = human.Line(human.Place(s.Key.File, s.Key.Line), maxName)
				r.Delta = human.Change(s.Delta())
			}
		}
		rows = append(rows, r)
	}
	return rows
}
