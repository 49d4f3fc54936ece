package alerting

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// A process that was killed at 3,000 goroutines four times is not projected to reach 100,000.
func TestProjectionEndsWhereProcessesEnded(t *testing.T) {
	died := func(goroutines ...float64) (out []leak.Death) {
		for _, n := range goroutines {
			out = append(out, leak.Death{Instance: "a", Goroutines: n, Leaked: n - 100})
		}
		return out
	}
	l := leak.Leak{State: leak.Firing, Instances: []string{"a"}, Leaked: 900, Rate: trend.Interval{Value: 500}}
	for name, c := range map[string]struct {
		deaths []leak.Death
		memory *leak.Memory
		want   string
	}{
		"none has ended yet":     {nil, nil, "100,000 goroutines in about 8 days"},
		"one alone says nothing": {died(3000), nil, "100,000 goroutines in about 8 days"},
		"killed":                 {died(2900, 3000, 3100, 2950), nil, "a restart at about 3,000 goroutines, as 4 times before, in about 4 h"},
		"deployed":               {died(300, 3000, 900, 40), nil, "100,000 goroutines in about 8 days"},
		"killed, and a deploy":   {died(3000, 3050, 2980, 700), nil, "a restart at about 3,000 goroutines, as 3 times before, in about 4 h"},
		"overdue":                {died(800, 810), nil, "a restart at about 810 goroutines, as 2 times before, in about 15 min"},
		"memory is short before": {died(3000, 3100), &leak.Memory{Used: 1, Limit: 3, PerHour: 1}, "memory limit of 3 B in about 2 h, a restart at about 3,100 goroutines, as 2 times before, in about 4 h"},
	} {
		t.Run(name, func(t *testing.T) {
			l := l
			l.Deaths, l.Memory = c.deaths, c.memory
			require.Equal(t, c.want, Projection(l, RenderOptions{}))
		})
	}
	// The expected end is as urgent as the limit, if it comes first.
	l.Deaths, l.Memory = died(3000, 3100), &leak.Memory{Used: 1, Limit: 9, PerHour: 1}
	require.True(t, RenderOptions{CriticalWithin: 5 * time.Hour}.IsCritical(l, false))
	l.Memory = nil
	require.False(t, RenderOptions{CriticalWithin: 5 * time.Hour}.IsCritical(l, false))
}
