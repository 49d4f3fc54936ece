package profiling

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
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

// The profiles of the longest-lived earlier process are read: the last one, and fewer the older they are.
func TestProfilesOfAnEarlierProcess(t *testing.T) {
	p := Pull{archive: shelf{from: noon, n: 54}, snapshots: &snapshotBuilder{}, instance: "a", block: time.Minute}
	var none, r PullResult
	p.readArchive(t.Context(), &none)
	require.Empty(t, none.earlier, "nobody asked")
	p.earlier = fleet.Lifetime{From: noon.Add(2 * time.Hour), To: noon.Add(22 * time.Hour)}
	p.readArchive(t.Context(), &r)
	require.True(t, r.earlierChecked)
	var hours []float64
	for _, x := range r.earlier {
		require.NotNil(t, x.snapshot)
		hours = append(hours, x.taken().Sub(noon).Hours())
	}
	require.Equal(t, []float64{6, 14, 18, 20, 21, 22}, hours)
}
