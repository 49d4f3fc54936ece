package setup

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/web/view"
)

// TestUnknown: that no leak is known means something only if services are watched, their
// series are read, and the first evaluation is done.
func TestUnknown(t *testing.T) {
	source := func(change func(*view.Series)) *view.Series {
		s := &view.Series{Source: "http://prometheus", History: 6 * 24 * time.Hour, Done: 1, Names: []string{"go_goroutines", "go_goroutine_count"}}
		change(s)
		return s
	}
	as := source(func(*view.Series) {})
	down := source(func(s *view.Series) { s.Error = "connection refused" })
	for want, c := range map[string]struct {
		ready    bool
		services int
		series   *view.Series
	}{
		"": {true, 2, as},
		"gorowatch is starting: the first evaluation is not done yet.":                                                                                                          {false, 0, nil},
		"gorowatch is starting: the first evaluation is not done yet; gorowatch is reading the last 6 days from http://prometheus.":                                             {false, 0, as},
		"gorowatch is starting: the first evaluation is not done yet: 40 % of the last 6 days is read.":                                                                         {false, 2, source(func(s *view.Series) { s.Done = .4 })},
		"gorowatch is starting: the first evaluation is not done yet, because the series cannot be read: connection refused.":                                                   {false, 0, down},
		"The series cannot be read: connection refused.":                                                                                                                        {true, 0, down},
		"2 services were watched, but the series cannot be read now: connection refused.":                                                                                       {true, 2, down},
		"No series with goroutine counts has been found so far. gorowatch looks again at each evaluation.":                                                                      {true, 0, nil},
		"No series with goroutine counts has been found so far. gorowatch looks again at each evaluation. Names: go_goroutines, go_goroutine_count. Source: http://prometheus.": {true, 0, as},
	} {
		require.Equal(t, want, Unknown(c.ready, c.services, c.series))
	}
	require.Contains(t, Searched(source(func(s *view.Series) {
		s.Names = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	})), "Names: a, b, c, d, e, f, g, h and 2 more.")
}
