package monitor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// registry knows the version of each instance.
type registry struct {
	of map[string]string
	// before has the versions that ran until a time.
	before map[string]string
	until  time.Time
	err    error
	asked  int
}

func (r *registry) Versions(_ context.Context, at time.Time) (func(labels.Labels) string, error) {
	r.asked++
	of := r.of
	if at.Before(r.until) {
		of = r.before
	}
	return func(instance labels.Labels) string { return of[instance.Get("instance")] }, r.err
}

// A rollout begins a leak and another one ends it: the leak names both. Versions are asked for
// when something is new, not at every cycle.
func TestRolloutsOfALeak(t *testing.T) {
	w := newWorld(t)
	deployed := t0.Add(-30 * time.Minute)
	r := &registry{
		of: map[string]string{"a": "v1.42.0", "b": "v1.42.0"}, before: map[string]string{"a": "v1.41.3", "b": "v1.41.3", "c": "v9"}, until: deployed,
		err: errors.New("down"),
	}
	w.monitor.o.Versions = r
	p := w.add("checkout", "a", process{onset: t0.Add(3 * time.Hour), perHour: 200, fn: handler, started: deployed.Add(time.Minute)})
	q := w.add("checkout", "b", process{started: deployed})
	w.add("search", "a", process{})
	w.run(3 * time.Hour)
	require.Zero(t, r.asked, "nothing leaks")
	w.run(time.Hour)
	require.Empty(t, w.firing()[0].Version)
	r.err = nil
	w.run(time.Hour)
	l := w.firing()[0]
	require.Equal(t, "v1.42.0", l.Version)
	require.Equal(t, deployed, l.DeployedAt.UTC())
	require.Equal(t, "v1.41.3", l.PreviousVersion)
	asked := r.asked
	w.run(time.Hour)
	require.Equal(t, asked, r.asked)

	r.of = map[string]string{"a": "v1.43.0", "b": "v1.43.0"}
	p.started, p.onset, q.started = w.now, time.Time{}, w.now
	w.run(6 * time.Hour)
	require.Empty(t, w.firing())
	require.Equal(t, leak.Resolved, w.saved[l.ID].State)
	require.Equal(t, "gone with version v1.43.0", w.saved[l.ID].Resolution)
	require.LessOrEqual(t, r.asked, asked+2)
}

func TestVersionIsALabel(t *testing.T) {
	w := newWorld(t)
	w.monitor.o.VersionLabel = "release"
	p := w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 500, fn: handler})
	p.labels = labels.FromStrings("namespace", "shop", "job", "checkout", "instance", "a", "release", "2026-03")
	w.run(3 * time.Hour)
	require.Equal(t, "2026-03", w.firing()[0].Version)
}
