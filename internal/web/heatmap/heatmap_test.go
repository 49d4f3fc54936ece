package heatmap

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/internal/hourly"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// hours have these confidences, since noon.
func hours(confidences ...float64) (out []hourly.Hour) {
	for i, c := range confidences {
		out = append(out, hourly.Hour{Start: noon.Add(time.Duration(i) * time.Hour), Confidence: c, Rate: float64(i)})
	}
	return out
}

func heats(cells []Cell) (out []int) {
	for _, c := range cells {
		out = append(out, c.Heat)
	}
	return out
}

// TestOf: a deploy at two o'clock after which a service leaks.
func TestOf(t *testing.T) {
	some := hours(math.NaN(), 0, .1, .2, .6, .94, .95, .99)
	cells := Of(some, 1)
	require.Equal(t, []int{0, 0, 0, 1, 2, 3, 4, 4}, heats(cells))
	require.False(t, cells[0].Judged())
	require.True(t, cells[1].Judged())

	cells = Of(some, 3)
	require.Equal(t, []int{0, 3, 4}, heats(cells), "a cell is as hot as its hottest hour")
	require.Equal(t, noon.Add(2*time.Hour), cells[0].Highest.Start, "what was not judged says nothing")
	require.Equal(t, noon.Add(5*time.Hour), cells[1].Highest.Start)
	require.EqualValues(t, 5, cells[1].Highest.Rate)
	require.Equal(t, "94 %", cells[1].Percent())
	require.Equal(t, "94 %", Of(hours(.949), 1)[0].Percent(), "what does not alert does not look so")
	require.Empty(t, Of(nil, 3))
}

func TestHighest(t *testing.T) {
	c, ok := Highest(Of(hours(0, .3, .9, .9, math.NaN()), 1))
	require.True(t, ok)
	require.Equal(t, noon.Add(2*time.Hour), c.Highest.Start, "when it came")
	_, ok = Highest(Of(hours(math.NaN(), 0, 0), 1))
	require.False(t, ok)
}

// TestSince: when the present heat began, whatever was not judged in between.
func TestSince(t *testing.T) {
	since, hot := Since(Of(hours(.9, .1, .3, .6, math.NaN(), .9), 1))
	require.True(t, hot)
	require.Equal(t, noon.Add(3*time.Hour), since)
	_, hot = Since(Of(hours(.9, .9, .1, math.NaN()), 1))
	require.False(t, hot, "it is over")
	_, hot = Since(nil)
	require.False(t, hot)
}

// TestSpans: the present hour is in the last cell, and days begin at a mark.
func TestSpans(t *testing.T) {
	for _, s := range Spans {
		for h := range 30 {
			now := noon.Add(time.Duration(h)*time.Hour + 25*time.Minute)
			from := s.From(now)
			last := from.Add(time.Duration(s.Hours()-s.Length) * time.Hour)
			require.False(t, now.Before(last))
			require.True(t, now.Before(last.Add(time.Duration(s.Length)*time.Hour)))
			columns := 0
			for i, m := range s.MarksOf(from) {
				require.Equal(t, from.Add(time.Duration(columns*s.Length)*time.Hour), m.At)
				require.Equal(t, m.At.Hour()%s.Marks == 0, m.Begins)
				require.True(t, m.Begins || i == 0)
				columns += m.Columns
			}
			require.Equal(t, s.Columns, columns)
		}
		require.Contains(t, []string{"every hour", "every 6 hours"}, s.Every())
		require.LessOrEqual(t, s.Hours(), hourly.Hours)
	}
}
