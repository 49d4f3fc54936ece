// Package heatmap says for each stretch of time how sure it was that a service leaks, so
// that a deploy after which many services leak is seen at a glance.
//
// It is pure: the hours that internal/monitor keeps come in, and internal/web/pages shows
// the cells.
package heatmap

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/hourly"
)

// Cell is a stretch of whole hours.
type Cell struct {
	// Highest is the hour with the highest confidence. Its confidence is NaN if nothing was
	// judged.
	Highest hourly.Hour
	// Heat is how high that is: 0 (hardly any) to MaxHeat.
	Heat int
}

// MaxHeat is the heat of a confidence at which alerts are sent by default.
const MaxHeat = 4

// Steps are the confidences from which on a cell is hotter. Those of the second and of the
// last are the defaults from which a leak is suspected, and alerts.
var Steps = [MaxHeat]float64{.2, .5, .8, .95}

// Judged reports whether anything was judged in the time of the cell.
func (c Cell) Judged() bool { return !math.IsNaN(c.Highest.Confidence) }

// Percent is the highest confidence as the pages write it, never rounded up.
func (c Cell) Percent() string {
	return fmt.Sprintf("%.0f %%", math.Floor(100*c.Highest.Confidence+1e-9))
}

// Of makes cells of so many hours each.
func Of(hours []hourly.Hour, length int) []Cell {
	var cells []Cell
	for len(hours) > 0 {
		n := min(max(length, 1), len(hours))
		c := Cell{Highest: hours[0]}
		for _, h := range hours[1:n] {
			if !c.Judged() || h.Confidence > c.Highest.Confidence {
				c.Highest = h
			}
		}
		for i, least := range Steps {
			if c.Highest.Confidence >= least {
				c.Heat = i + 1
			}
		}
		cells, hours = append(cells, c), hours[n:]
	}
	return cells
}

// Highest is the cell of the highest confidence, the earliest if there are several, and
// false if none is above 0.
func Highest(cells []Cell) (highest Cell, ok bool) {
	for _, c := range cells {
		if c.Highest.Confidence > 0 && (!ok || c.Highest.Confidence > highest.Highest.Confidence) {
			highest, ok = c, true
		}
	}
	return highest, ok
}

// Since is when the service became hot, if it is: a leak is suspected, and has been in
// every cell since. What was not judged is no end of that.
func Since(cells []Cell) (since time.Time, hot bool) {
	for _, c := range slices.Backward(cells) {
		switch {
		case c.Heat >= suspected:
			since, hot = c.Highest.Start, true
		case c.Judged():
			return since, hot
		}
	}
	return since, hot
}

// suspected is the heat from which a leak is suspected by default.
const suspected = 2

// Span is a time that a heat map shows: Columns cells of Length hours each, and a mark
// wherever a time of Marks hours begins.
type Span struct {
	Name                   string
	Length, Columns, Marks int
}

// Spans are those there are.
var Spans = [...]Span{{"day", 1, 24, 6}, {"week", 6, 28, 24}}

// From is the start of a span that ends with the cell that has now in it.
func (s Span) From(now time.Time) time.Time {
	length := time.Duration(s.Length) * time.Hour
	return now.Truncate(length).Add(length).Add(-time.Duration(s.Columns) * length)
}

// Mark is a part of the top of a heat map, so many columns wide.
type Mark struct {
	At      time.Time
	Columns int
	// Begins: a time begins there that has a name, such as a day.
	Begins bool
}

// MarksOf are the marks along the top of a span.
func (s Span) MarksOf(from time.Time) (marks []Mark) {
	for i := range s.Columns {
		at := from.Add(time.Duration(i*s.Length) * time.Hour)
		begins := at.Equal(at.Truncate(time.Duration(s.Marks) * time.Hour))
		if begins || i == 0 {
			marks = append(marks, Mark{At: at, Begins: begins})
		}
		marks[len(marks)-1].Columns++
	}
	return marks
}

// Every is how often a cell begins, in words.
func (s Span) Every() string {
	if s.Length == 1 {
		return "every hour"
	}
	return fmt.Sprintf("every %d hours", s.Length)
}

// Hours is how many hours it has.
func (s Span) Hours() int { return s.Length * s.Columns }
