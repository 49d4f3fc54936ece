package alerting

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// near returns a leak of one instance that reaches 10,000 goroutines in the given number of hours.
func near(hours float64) leak.Leak {
	l := checkout()
	l.Instances, l.Head, l.Leaked, l.Rate.Value = l.Instances[:1], nil, 9000, 1000/hours
	return l
}

// TestCriticalNeedsALimit: an assumed limit raises no critical alert.
func TestCriticalNeedsALimit(t *testing.T) {
	l := near(1)
	l.Leaked = 99_999
	require.False(t, RenderOptions{CriticalWithin: time.Hour}.IsCritical(l, false), "100,000 goroutines are a large number and no limit")
	require.False(t, RenderOptions{Limit: 100_000}.IsCritical(l, false), "not asked for")
	require.True(t, RenderOptions{Limit: 100_000, CriticalWithin: time.Hour}.IsCritical(l, false))
	l.Memory = &leak.Memory{Used: 300 << 20, Limit: 512 << 20, PerHour: 53 << 20}
	require.False(t, RenderOptions{CriticalWithin: 3 * time.Hour}.IsCritical(l, false))
	require.True(t, RenderOptions{CriticalWithin: 4 * time.Hour}.IsCritical(l, false), "the container's limit is one")
	l.Leaked = 100
	require.Equal(t, "memory limit of 512 MiB in about 4 h, 100,000 goroutines in about 4 days", Projection(l, RenderOptions{}))
	l.Memory.PerHour = 0
	require.Equal(t, "100,000 goroutines in about 4 days", Projection(l, RenderOptions{}))
	l.State = leak.Resolved
	require.Equal(t, "does not grow now", Projection(l, RenderOptions{}))
}
