package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestEnded: a rule that is over is told, with its comment, and no other.
func TestEnded(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	rules := []Ignore{{}, {Until: "2026-03-03"}, {Until: "2026-03-02", Comment: "fixed in v2"}, {Until: "2026-03-02T12:00:00Z"}, {Until: "2026-03-02T12:00:01Z"}, {Until: "soon"}}
	require.Equal(t, []string{
		"ignore[2] ended 2026-03-02 and is not applied any more: fixed in v2", "ignore[3] ended 2026-03-02T12:00:00Z and is not applied any more",
	}, Ended(rules, now))
}

// TestGoroutineNames: those of the configuration, in their order, or the defaults.
func TestGoroutineNames(t *testing.T) {
	p := Prometheus{Series: Series{Goroutines: []string{"app_goroutines", "go_goroutines"}}}
	require.Equal(t, []string{"app_goroutines", "go_goroutines"}, p.GoroutineNames())
	require.Equal(t, defaultSeries().Goroutines, (&Prometheus{}).GoroutineNames())
}
