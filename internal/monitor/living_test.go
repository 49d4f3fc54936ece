package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// One leaky pod after another, with profiles, and gorowatch restarts too: the leak is that of
// the running pod.
func TestLeakOfOnePodAfterAnother(t *testing.T) {
	w := newWorld(t)
	w.add("mail", "m", process{})
	w.run(10 * time.Minute)
	const perHour = 1500
	for i := range 4 {
		name := fmt.Sprintf("pod-%d", i)
		p := w.add("checkout", name, process{started: w.now, onset: w.now, perHour: perHour, fn: "example.org/shop.leak"})
		w.run(2 * time.Hour)
		require.Len(t, w.firing(), 1)
		l := w.firing()[0]
		require.InDelta(t, perHour, l.Rate.Value, 0.1*perHour, name)
		require.Equal(t, []string{name}, l.Instances)
		require.Equal(t, 1, l.InstancesTotal)
		require.InDelta(t, p.leaked(w.now), l.Leaked, 0.1*perHour*2)
		if i == 2 {
			w.start()
			w.run(10 * time.Minute)
			l := w.firing()[0]
			require.InDelta(t, perHour, l.Rate.Value, 0.1*perHour)
			require.Equal(t, []string{name}, l.Instances)
		}
		delete(w.processes, "checkout/"+name)
	}
	w.run(10 * time.Minute)
	l := w.firing()[0]
	require.Zero(t, l.Rate)
	require.Zero(t, l.Leaked)
	require.Empty(t, l.Instances)
	w.add("checkout", "fixed", process{started: w.now})
	w.run(7 * time.Hour)
	require.Empty(t, w.firing())
	l = w.monitor.Leaks()[0]
	require.InDelta(t, perHour, l.Rate.Value, 0.1*perHour, "what it was")
	require.Equal(t, []string{"pod-3"}, l.Instances)
	require.Zero(t, l.Leaked)
}
