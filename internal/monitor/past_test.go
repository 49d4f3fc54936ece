package monitor

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// told are the states of the leak with an id, as everybody was told, without
// repetition.
func (w *world) statesTold(id string) (out []leak.State) {
	for _, told := range w.told {
		for _, l := range told {
			if l.ID == id && l.State != leak.Suspected && (len(out) == 0 || out[len(out)-1] != l.State) {
				out = append(out, l.State)
			}
		}
	}
	return out
}

// The bucket is down when gorowatch starts again: it finds the leak anew, under
// the same id, and nothing that is written there is lost.
func TestBucketThatIsDownAtTheStart(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(3 * time.Hour), perHour: 200, fn: handler})
	w.run(6 * time.Hour)
	before := w.firing()[0]
	document := w.saved[before.ID]

	// All that could be read of the bucket is nothing, not even half of it.
	documents := w.saved
	w.saved, w.lost, w.full = map[string]leak.Leak{}, errors.New("bucket is down"), errors.New("bucket is down")
	w.start()
	require.Empty(t, w.monitor.Leaks())
	require.Equal(t, "bucket is down", w.monitor.State().Archive)
	w.run(time.Hour)
	found := w.firing()
	require.Len(t, found, 1, "detection and alerts go on")
	require.Equal(t, before.ID, found[0].ID)

	w.lost, w.full, w.saved = nil, nil, documents
	require.Equal(t, document.DetectedAt, w.saved[before.ID].DetectedAt)
	w.run(3 * time.Minute)
	after := w.firing()
	require.Len(t, after, 1)
	require.Equal(t, before.DetectedAt, after[0].DetectedAt, "its past is known again")
	require.Equal(t, before.Transitions, after[0].Transitions[:len(before.Transitions)])
	require.Equal(t, before.DetectedAt, w.saved[before.ID].DetectedAt)
	require.Empty(t, w.monitor.State().Archive)
	require.Equal(t, []leak.State{leak.Firing}, w.statesTold(before.ID))
}

// A document that can never be read does not keep the others from being written.
func TestLeaksThatCanBeReadInPartOnly(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 500, fn: handler})
	w.run(3 * time.Hour)
	before := w.firing()[0]
	w.lost = errors.New("one is broken")
	w.start()
	require.Equal(t, before.ID, w.firing()[0].ID)
	written := w.written
	w.run(2 * time.Hour)
	require.Equal(t, 1, w.lines("Some leaks of earlier runs cannot be read"))
	require.Greater(t, w.written, written)
	require.Equal(t, before.DetectedAt, w.firing()[0].DetectedAt)
}

// The clock is set back by hours, and forward by hours and back again: the same
// leaks fire all the time, and profiles are pulled.
func TestClockThatJumps(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 300, fn: handler})
	w.add("search", "a", process{})
	w.run(4 * time.Hour)
	id := w.firing()[0].ID

	w.now = w.now.Add(-2 * time.Hour)
	pulls := w.pulls["checkout/a"]
	w.run(30 * time.Minute)
	require.Equal(t, 1, w.lines("The clock was set back"))
	require.Equal(t, id, w.firing()[0].ID)
	require.Greater(t, w.pulls["checkout/a"], pulls, "it does not wait until the time of before")

	// Our clock alone goes wrong: the source has nothing of the future.
	w.real = w.now
	w.now = w.now.Add(7 * time.Hour)
	for range 30 {
		w.real = w.real.Add(time.Minute)
		w.run(time.Minute)
	}
	require.Equal(t, id, w.firing()[0].ID)
	w.now, w.real = w.real, time.Time{}
	w.run(time.Hour)
	require.Len(t, w.firing(), 1)

	// So does that of all: a machine was asleep.
	w.now = w.now.Add(9 * time.Hour)
	w.run(time.Hour)
	require.Equal(t, []leak.State{leak.Firing}, w.statesTold(id))

	w.processes["checkout/a"].started, w.processes["checkout/a"].onset = w.now, time.Time{}
	w.run(8 * time.Hour)
	require.Equal(t, []leak.State{leak.Firing, leak.Resolved}, w.statesTold(id), "it can still be resolved")
}

// A bucket whose writes fail is tried again at each cycle and told of once; the
// log does not repeat the leak either.
func TestLeakIsLoggedOnceWhileTheBucketFails(t *testing.T) {
	w := newWorld(t)
	w.full = errors.New("no space left on device")
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 300, fn: handler})
	w.run(5 * time.Hour)
	require.Len(t, w.firing(), 1)
	require.Less(t, w.lines("msg=Leak "), 15)
}
