package scan

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// recording has the profiles of a fleet, one every five minutes, in which everything above the
// lowest count is on one stack.
type recording struct{ *fleet }

func (r recording) Profiles(_ context.Context, service labels.Labels, instance string) (refs []leak.ProfileRef, _ error) {
	for at := noon; at.Before(noon.Add(36 * time.Hour)); at = at.Add(5 * time.Minute) {
		refs = append(refs, leak.ProfileRef{Key: service.Get("job") + "/" + at.Format(time.RFC3339), Instance: instance, Time: at})
	}
	return refs, nil
}

func (r recording) LoadProfile(_ context.Context, key string) (*collector.Profile, error) {
	job, at, _ := strings.Cut(key, "/")
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return nil, err
	}
	n := int64(r.services[job](t.Sub(noon)))
	return &collector.Profile{
		Kind: collector.KindGoroutine, Format: collector.FormatDebug2, Time: t, Total: n, Raw: []byte(key),
		Records: []collector.Record{
			{Count: min(n, 30), State: "select", Frames: []*collector.Frame{{Func: "example.org/shop.(*Server).run", File: "main.go", Line: 9}}},
			{Count: max(n-30, 0), State: "chan send", Frames: []*collector.Frame{{Func: "example.org/shop.leak", File: "main.go", Line: 29}}},
		},
	}, nil
}

// A suspicion is not shown, but it is in the monitor's list. Showing progress must not remove
// it there.
func TestScanWithProgressAndProfilesFindsTheSame(t *testing.T) {
	scan := func(progress func(Progress)) []leak.Leak {
		f := shop()
		f.services["mail"] = func(d time.Duration) float64 {
			return 40 + 120*max(0, (d-35*time.Hour-40*time.Minute).Hours())
		}
		o := f.options()
		o.Profiles, o.Progress = recording{f}, progress
		r, err := Run(t.Context(), o)
		require.NoError(t, err)
		return r.Leaks
	}
	without := scan(nil)
	require.ElementsMatch(t, []string{"checkout", "cart"}, names(without))
	last := 0
	require.Equal(t, without, scan(func(p Progress) { last = p.Leaks }))
	require.Equal(t, 2, last)
}

func TestToldLeavesTheListAsItIs(t *testing.T) {
	all := []leak.Leak{{ID: "1", State: leak.Suspected}, {ID: "2", State: leak.Firing}, {ID: "3", State: leak.Resolved}}
	for range 2 {
		require.Equal(t, []leak.Leak{{ID: "2", State: leak.Firing}, {ID: "3", State: leak.Resolved}}, alerted(all))
	}
	require.Equal(t, leak.Suspected, all[0].State)
}
