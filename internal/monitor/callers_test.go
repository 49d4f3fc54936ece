package monitor

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// Heap returns a heap profile in which the user's code calls the library whose goroutines the
// process leaks.
func (w *world) Heap(_ context.Context, now time.Time, instance labels.Labels) (*collector.Profile, error) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	w.heaps++
	return &collector.Profile{Kind: collector.KindHeap, Format: collector.FormatProto, Time: now, Records: []collector.Record{{
		Count:  7,
		Frames: []*collector.Frame{{Func: "github.com/robfig/cron/v3.New", File: "cron.go", Line: 12}, {Func: "example.org/shop.schedule", File: "schedule.go", Line: 40}},
	}}}, nil
}

// The goroutines of a library do not show who started them. A heap profile does.
func TestCallerOfALibrary(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 100, fn: "github.com/robfig/cron/v3.(*Cron).run"})
	w.run(5 * time.Hour)
	require.Len(t, w.firing(), 1)
	callers := w.firing()[0].Stacks[0].Callers
	require.Len(t, callers, 1)
	require.Equal(t, "example.org/shop.schedule", callers[0].Frame.Func)
	require.Equal(t, leak.LinkConstructor, callers[0].Link)
	require.Equal(t, collector.KindHeap, callers[0].Seen)
	require.NotZero(t, w.heaps)

	// If the user's own code leaks, none is pulled.
	w = newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 100, fn: handler})
	w.run(5 * time.Hour)
	require.Len(t, w.firing(), 1)
	require.Zero(t, w.heaps)
}
