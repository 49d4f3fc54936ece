package monitor

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// shelf is an archive with a profile every half an hour.
type shelf struct {
	Archive
	from time.Time
	n    int
}

func (a shelf) Profiles(context.Context, labels.Labels, string) (refs []leak.ProfileRef, _ error) {
	for i := range a.n {
		taken := a.from.Add(time.Duration(i) * 30 * time.Minute)
		refs = append(refs, leak.ProfileRef{Key: fmt.Sprint(i), Time: taken})
	}
	return refs, nil
}

func (shelf) LoadProfile(context.Context, string) (*collector.Profile, error) {
	return &collector.Profile{Kind: collector.KindGoroutine}, nil
}

// An instance restarts now and then. The life that lasted longest has the most to
// tell of what its stacks do in the end.
func TestProfilesOfAnEarlierProcess(t *testing.T) {
	in := &instance{name: "a"}
	at := func(hours float64) float64 { return float64(t0.Unix()) + 3600*hours }
	in.begins(at(0))
	in.begins(at(0) + 1) // the same one, rounded otherwise
	require.Zero(t, in.formerLife(), "there was none")
	for _, h := range []float64{2, 22, 25} {
		in.begins(at(h))
	}
	longest := in.formerLife()
	require.WithinDuration(t, t0.Add(2*time.Hour), longest.from, 0)
	require.WithinDuration(t, t0.Add(22*time.Hour), longest.to, 0)

	m := &Monitor{}
	p := pull{monitor: m, archive: shelf{from: t0, n: 54}, instance: in, service: &service{block: time.Minute}}
	require.Empty(t, p.fromArchive(t.Context(), brought{}).former, "nobody asked")
	p.former = longest
	b := p.fromArchive(t.Context(), brought{})
	require.True(t, b.looked)
	var hours []float64
	for _, sh := range b.former {
		require.NotNil(t, sh.snapshot)
		hours = append(hours, sh.ref.Time.Sub(t0).Hours())
	}
	require.Equal(t, []float64{6, 14, 18, 20, 21, 22}, hours)

	for h := 26.0; h < 100; h++ {
		in.begins(at(h))
	}
	require.Len(t, in.starts, maxLives)
	longest = in.formerLife()
	require.Equal(t, time.Hour, longest.to.Sub(longest.from), "what is long ago is forgotten")
}

// What a pull has read of an earlier process is compared with what grows now,
// until that process ends in its turn.
func TestAnEarlierProcessIsAskedForOnce(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 300, fn: handler})
	only := func() *instance {
		require.Len(t, w.monitor.services, 1)
		for _, s := range w.monitor.services {
			return s.instances["a"]
		}
		return nil
	}
	w.run(4 * time.Hour)
	require.True(t, only().listed)
	require.False(t, only().looked, "no earlier process is known")

	w.add("checkout", "a", process{started: w.now, onset: w.now.Add(time.Hour), perHour: 300, fn: handler})
	w.run(4 * time.Hour)
	require.True(t, only().looked)
	require.NotEmpty(t, only().former)
	for _, sh := range only().former {
		require.False(t, sh.ref.Time.After(t0.Add(4*time.Hour)), sh.ref.Time)
	}

	w.add("checkout", "a", process{started: w.now, fn: handler})
	w.run(2 * time.Minute)
	require.False(t, only().looked, "another process, another past")
}
