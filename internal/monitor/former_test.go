package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
)

// The profiles of an earlier process are compared with the present growth, until the present
// process ends in its turn.
func TestAnEarlierProcessIsAskedForOnce(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 300, fn: handler})
	only := func() profiling.Inventory {
		require.Equal(t, 1, w.monitor.services.Len())
		for s := range w.monitor.services.All() {
			return s.Profiles.Inventory("a")
		}
		return profiling.Inventory{}
	}
	w.run(4 * time.Hour)
	require.True(t, only().Listed)
	require.False(t, only().EarlierChecked, "no earlier process is known")

	w.add("checkout", "a", process{started: w.now, onset: w.now.Add(time.Hour), perHour: 300, fn: handler})
	w.run(4 * time.Hour)
	require.True(t, only().EarlierChecked)
	require.NotEmpty(t, only().Earlier)
	for _, ref := range only().Earlier {
		require.False(t, ref.Time.After(t0.Add(4*time.Hour)), ref.Time)
	}

	w.add("checkout", "a", process{started: w.now, fn: handler})
	w.run(2 * time.Minute)
	require.False(t, only().EarlierChecked, "another process, another past")
}
