package monitor

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// notifiedStates returns the states of the leak with an id, as they were passed on, without
// repetition.
func (w *world) notifiedStates(id string) (out []leak.State) {
	for _, update := range w.updates {
		for _, l := range update {
			if l.ID == id && l.State != leak.Suspected && (len(out) == 0 || out[len(out)-1] != l.State) {
				out = append(out, l.State)
			}
		}
	}
	return out
}

// The bucket is down when gorowatch starts again: it finds the leak again, under the same id,
// and loses nothing that is written there.
func TestBucketThatIsDownAtTheStart(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(3 * time.Hour), perHour: 200, fn: handler})
	w.run(6 * time.Hour)
	before := w.firing()[0]
	document := w.saved[before.ID]

	// Nothing of the bucket can be read.
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
	require.Equal(t, []leak.State{leak.Firing}, w.notifiedStates(before.ID))
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
	require.Equal(t, 1, w.lines("Cannot read some leaks of earlier runs"))
	require.Greater(t, w.written, written)
	require.Equal(t, before.DetectedAt, w.firing()[0].DetectedAt)
}

// The clock is set back by hours, and forward by hours and back again: the same leaks fire all
// the time, and profiles are pulled.
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
	require.Greater(t, w.pulls["checkout/a"], pulls, "it does not wait until the earlier time")

	// Only our clock is wrong: the source has no samples of the future.
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

	// All clocks jump: a machine was asleep.
	w.now = w.now.Add(9 * time.Hour)
	w.run(time.Hour)
	require.Equal(t, []leak.State{leak.Firing}, w.notifiedStates(id))

	w.processes["checkout/a"].started, w.processes["checkout/a"].onset = w.now, time.Time{}
	w.run(8 * time.Hour)
	require.Equal(t, []leak.State{leak.Firing, leak.Resolved}, w.notifiedStates(id), "it can still be resolved")
}

// A bucket whose writes fail is tried again at each cycle and logged once; the log does not
// repeat the leak either.
func TestLeakIsLoggedOnceWhileTheBucketFails(t *testing.T) {
	w := newWorld(t)
	w.full = errors.New("no space left on device")
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 300, fn: handler})
	w.run(5 * time.Hour)
	require.Len(t, w.firing(), 1)
	require.Less(t, w.lines("msg=Leak "), 15)
}

// After a restart, the history that is read again fills the confidences of each hour.
func TestConfidencesAfterARestart(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(3 * time.Hour), perHour: 200, fn: handler})
	w.add("search", "a", process{})
	w.run(9 * time.Hour)
	service := func(job string) labels.Labels { return labels.FromStrings("namespace", "shop", "job", job) }
	confidences := func(job string) (out []int) {
		for _, h := range w.monitor.Confidences(service(job), t0.Add(time.Hour), 8) {
			c := -1
			if !math.IsNaN(h.Confidence) {
				c = int(100 * h.Confidence)
			}
			out = append(out, c)
		}
		return out
	}
	before := confidences("checkout")
	require.Zero(t, before[0])
	require.GreaterOrEqual(t, before[7], 95)
	w.start()
	w.run(2 * time.Minute)
	after := confidences("checkout")
	require.NotContains(t, after, -1)
	require.Zero(t, after[0])
	require.GreaterOrEqual(t, after[6], 95, after)
	require.NotContains(t, confidences("search"), -1)
	require.Nil(t, w.monitor.Confidences(service("nosuch"), t0, 1))
}
