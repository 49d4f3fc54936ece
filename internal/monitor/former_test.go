package monitor

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
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

// The profiles of the longest-lived of the earlier processes are read: its last, and
// fewer the older they are.
func TestProfilesOfAnEarlierProcess(t *testing.T) {
	m := &Monitor{}
	p := pull{monitor: m, archive: shelf{from: t0, n: 54}, instance: &instance{Instance: &fleet.Instance{Name: "a"}}, service: &service{fleet: fleet.NewService(labels.EmptyLabels(), time.Minute), block: time.Minute}}
	require.Empty(t, p.fromArchive(t.Context(), brought{}).former, "nobody asked")
	p.former = fleet.Lifetime{From: t0.Add(2 * time.Hour), To: t0.Add(22 * time.Hour)}
	b := p.fromArchive(t.Context(), brought{})
	require.True(t, b.looked)
	var hours []float64
	for _, sh := range b.former {
		require.NotNil(t, sh.snapshot)
		hours = append(hours, sh.ref.Time.Sub(t0).Hours())
	}
	require.Equal(t, []float64{6, 14, 18, 20, 21, 22}, hours)
}

// What a pull has read of an earlier process is compared with what grows now,
// until that process ends in its turn.
func TestAnEarlierProcessIsAskedForOnce(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 300, fn: handler})
	only := func() *instance {
		require.Len(t, w.monitor.services, 1)
		for _, s := range w.monitor.services {
			return s.instance("a")
		}
		return nil
	}
	w.run(4 * time.Hour)
	require.True(t, only().listed)
	require.Zero(t, only().lookedFor, "no earlier process is known")

	w.add("checkout", "a", process{started: w.now, onset: w.now.Add(time.Hour), perHour: 300, fn: handler})
	w.run(4 * time.Hour)
	require.Equal(t, only().Processes(), only().lookedFor)
	require.NotEmpty(t, only().former)
	for _, sh := range only().former {
		require.False(t, sh.ref.Time.After(t0.Add(4*time.Hour)), sh.ref.Time)
	}

	w.add("checkout", "a", process{started: w.now, fn: handler})
	w.run(2 * time.Minute)
	require.NotEqual(t, only().Processes(), only().lookedFor, "another process, another past")
}
