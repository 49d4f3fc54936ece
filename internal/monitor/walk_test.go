package monitor

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// addServices fills a world with services that leak, restart, and do not.
func addServices(w *world) {
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 300})
	w.add("checkout", "b", process{})
	w.add("search", "a", process{onset: t0.Add(5 * time.Hour), perHour: 60})
	w.add("quiet", "a", process{steady: 400})
	w.add("young", "a", process{started: t0.Add(7 * time.Hour), onset: t0.Add(7 * time.Hour), perHour: 1000})
}

// counts starts a gorowatch without profiles.
func (w *world) counts() *Monitor {
	m, err := New(w.t.Context(), Options{Source: w, History: time.Minute})
	require.NoError(w.t, err)
	return m
}

func TestWalkSaysWhatTheDaemonWouldHaveSaid(t *testing.T) {
	const span = 24 * time.Hour
	w := newWorld(t)
	addServices(w)

	daemon := w.counts()
	for now := t0.Add(time.Minute); !now.After(t0.Add(span)); now = now.Add(time.Minute) {
		require.NoError(t, daemon.Cycle(t.Context(), now))
	}
	require.NotEmpty(t, daemon.Leaks())

	for _, chunk := range []time.Duration{span, 6 * time.Hour, 7 * time.Minute} {
		scan := w.counts()
		for from := t0; from.Before(t0.Add(span)); from = from.Add(chunk) {
			win, err := w.Window(t.Context(), from, minTime(from.Add(chunk), t0.Add(span)))
			require.NoError(t, err)
			require.NoError(t, scan.Walk(t.Context(), win, 3))
		}
		require.Equal(t, withoutUpdates(daemon.Leaks()), withoutUpdates(scan.Leaks()), "in windows of %s", chunk)
	}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// withoutUpdates drops the fields that depend only on the number of evaluations.
func withoutUpdates(leaks []leak.Leak) []leak.Leak {
	for i := range leaks {
		leaks[i].UpdatedAt = time.Time{}
	}
	return leaks
}

func TestWalkCanBeInterrupted(t *testing.T) {
	w := newWorld(t)
	addServices(w)
	win, err := w.Window(t.Context(), t0, t0.Add(time.Hour))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := w.counts()
	require.ErrorIs(t, m.Walk(ctx, win, 2), context.Canceled)
	require.Empty(t, m.Leaks())
}

func TestWalkTellsEveryVerdict(t *testing.T) {
	w := newWorld(t)
	addServices(w)
	judged := map[string][]time.Time{}
	var mtx sync.Mutex
	m, err := New(t.Context(), Options{
		Source: w, History: time.Minute,
		OnVerdict: func(service labels.Labels, now time.Time, v trend.Verdict, why func() []trend.Assessment) {
			mtx.Lock()
			defer mtx.Unlock()
			job := service.Get("job")
			judged[job] = append(judged[job], now)
			for _, a := range why() {
				require.False(t, a.Status == trend.Leaking && v.Status == trend.Quiet, "%s at %s", job, now)
			}
		},
	})
	require.NoError(t, err)
	win, err := w.Window(t.Context(), t0, t0.Add(3*time.Hour))
	require.NoError(t, err)
	require.NoError(t, m.Walk(t.Context(), win, 2))
	require.Len(t, judged, 3, "the young one is not there yet")
	for job, at := range judged {
		require.Len(t, at, 180, job)
		require.Equal(t, t0.Add(time.Minute), at[0])
		require.Equal(t, t0.Add(3*time.Hour), at[179])
	}
}

// With recorded profiles a walk names the line too. Its pulls are part of it, so they must not
// wait for a lock that it holds.
func TestWalkAttributes(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 300, fn: handler})
	m, err := New(t.Context(), Options{Source: w, Puller: w, Archive: w, History: time.Minute})
	require.NoError(t, err)
	win, err := w.Window(t.Context(), t0, t0.Add(8*time.Hour))
	require.NoError(t, err)
	require.NoError(t, m.Walk(t.Context(), win, 2))
	require.Len(t, m.Leaks(), 1)
	require.Equal(t, leak.Firing, m.Leaks()[0].State)
	require.Equal(t, handler, m.Leaks()[0].Stacks[0].Key.Func)
}
