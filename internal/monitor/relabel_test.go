package monitor

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// relabelled is a source whose series get another label at a time, as after a change of
// Prometheus' configuration. Newer series come first in its windows.
type relabelled struct {
	*world
	at time.Time
}

func zoned(ls labels.Labels) labels.Labels {
	return labels.NewBuilder(ls).Set("zone", "b").Labels()
}

func (r *relabelled) Window(ctx context.Context, from, to time.Time) (collector.Window, error) {
	w, err := r.world.Window(ctx, from, to)
	all := w.Series
	w.Series = nil
	for _, s := range all {
		n := slices.IndexFunc(s.Samples, func(x collector.Sample) bool { return x.T >= r.at.UnixMilli() })
		if n < 0 {
			n = len(s.Samples)
		}
		if n < len(s.Samples) {
			w.Series = append(w.Series, collector.Series{Labels: zoned(s.Labels), Samples: s.Samples[n:]})
		}
		if n > 0 {
			w.Series = append(w.Series, collector.Series{Labels: s.Labels, Samples: s.Samples[:n]})
		}
	}
	return w, err
}

// A service leaks on one of its instances, and all their series get another label. Each
// instance stays one, with its history and its profiles, and the leak is the same one. A
// gorowatch that starts later and reads the history agrees.
func TestLabelsThatChange(t *testing.T) {
	w := newWorld(t)
	source := &relabelled{world: w, at: t0.Add(6 * time.Hour)}
	w.monitor.o.Source = source
	for _, name := range []string{"a", "b"} {
		w.add("api", name, process{daily: 40})
	}
	leaky := w.add("api", "c", process{onset: t0.Add(time.Hour), perHour: 400, fn: "main.leak"})
	w.run(5*time.Hour + 30*time.Minute)
	require.Len(t, w.firing(), 1)
	before := w.firing()[0]
	profiles := len(w.monitor.services.Lookup(serviceLabels(leaky)).Profiles.Inventory("c").Profiles)
	require.NotZero(t, profiles)

	for range 8 { // the labels change in the middle
		w.run(30 * time.Minute)
		require.Equal(t, []string{"a", "b", "c"}, w.here())
		require.Len(t, w.monitor.Leaks(), 1, "no other leak")
		require.Len(t, w.firing(), 1)
		require.Equal(t, before.ID, w.firing()[0].ID)
	}
	require.WithinDuration(t, before.Onset, w.firing()[0].Onset, time.Hour)
	require.Greater(t, len(w.refs["api/c"]), profiles, "it is asked further")
	require.Len(t, w.refs, 3, "under the same names")
	now, ok := w.monitor.CurrentLabels(leaky.labels)
	require.True(t, ok)
	require.Equal(t, zoned(leaky.labels), now, "who knows it by its old labels learns of the new ones")
	for _, s := range w.monitor.Services() {
		require.Len(t, s.Instances, 3, "and no more")
		for _, in := range s.Instances {
			require.Equal(t, "b", in.Labels.Get("zone"))
		}
	}

	w.start()
	w.monitor.o.Source = source
	w.run(30 * time.Minute)
	require.Equal(t, []string{"a", "b", "c"}, w.here())
	require.Len(t, w.monitor.Leaks(), 1)
	require.Equal(t, before.ID, w.firing()[0].ID)
}

// A scan agrees in its long windows.
func TestWalkOverLabelsThatChange(t *testing.T) {
	w := newWorld(t)
	source := &relabelled{world: w, at: t0.Add(5*time.Hour + 30*time.Minute)}
	w.add("api", "a", process{daily: 40})
	w.add("api", "c", process{onset: t0.Add(time.Hour), perHour: 400, fn: "main.leak"})
	for from := t0; from.Before(t0.Add(24 * time.Hour)); from = from.Add(6 * time.Hour) {
		window, err := source.Window(t.Context(), from, from.Add(6*time.Hour))
		require.NoError(t, err)
		require.NoError(t, w.monitor.Walk(t.Context(), window, 2))
		require.Len(t, w.monitor.Services(), 1)
		require.Len(t, w.monitor.Services()[0].Instances, 2)
	}
	require.Len(t, w.monitor.Leaks(), 1)
}

// Two instances that exist at the same time are two, whatever they have in common. If one has ended and
// another process begins under its name, that is another instance.
func TestTwinsAreTwo(t *testing.T) {
	w := newWorld(t)
	w.add("api", "a", process{})
	twin := w.add("api", "twin", process{started: w.processes["api/a"].started})
	twin.labels = zoned(w.processes["api/a"].labels)
	w.run(time.Hour)
	require.Len(t, w.here(), 2)
	delete(w.processes, "api/a")
	w.run(time.Hour)
	require.Equal(t, []string{twin.labels.String()}, w.here())

	next := w.add("api", "next", process{started: w.now})
	next.labels = labels.NewBuilder(next.labels).Set("instance", "a").Set("zone", "c").Labels()
	w.run(time.Hour)
	require.Equal(t, []string{twin.labels.String(), next.labels.String()}, w.here())
}

// serviceLabels returns those of the service of a process.
func serviceLabels(p *process) labels.Labels {
	return labels.NewBuilder(p.labels).Keep("namespace", "job").Labels()
}
