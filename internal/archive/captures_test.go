package archive

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/leak"
)

func TestCaptures(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		var want []ondemand.Capture
		for i, why := range []string{"TooManyGoroutines", "\u202e<b>\"../..", ""} {
			c := ondemand.Capture{ID: fmt.Sprintf("2026-%d", i), Service: shop, Instance: "a", Why: why, At: noon.Add(time.Duration(i) * time.Hour)}
			c.Profiles = []leak.ProfileRef{{Key: "profiles/x", Instance: "a", Time: noon, Total: 7}}
			require.NoError(t, a.SaveCapture(t.Context(), c))
			c.Error = "connection refused"
			require.NoError(t, a.SaveCapture(t.Context(), c), "it replaces what was there")
			want = append(want, c)
		}
		require.NoError(t, a.bucket().WriteAll(t.Context(), "captures/half.json", []byte(`{"id": "ha`), nil))
		require.NoError(t, a.bucket().WriteAll(t.Context(), "captures/2026-9.json", []byte(`{"id": "2026-1"}`), nil))

		require.NoError(t, a.bucket().WriteAll(t.Context(), "captures/_.json", []byte(`{"why": "no id"}`), nil))

		got, err := a.Captures(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Contains(t, a.keys(t), "aside/captures/_.json")
		require.Contains(t, a.keys(t), "aside/captures/half.json")
		require.Contains(t, a.keys(t), "aside/captures/2026-9.json")
	})
}

// The profiles of a capture stay as long as the capture: for the retention, and only for the
// newest captures.
func TestCapturesAreSwept(t *testing.T) {
	a := open(t, "file://"+t.TempDir(), nil)
	const day = 24 * time.Hour
	now := noon.Add(10 * day)
	capture := func(i int, at time.Time) ondemand.Capture {
		c := ondemand.Capture{ID: fmt.Sprintf("%04d", i), Service: shop, Instance: "a", At: at}
		for m := range 3 {
			ref, err := a.SaveProfile(t.Context(), shop, "a", at.Add(time.Duration(m)*time.Minute), profile("1"))
			require.NoError(t, err)
			c.Profiles = append(c.Profiles, ref)
		}
		require.NoError(t, a.SaveCapture(t.Context(), c))
		return c
	}
	capture(1, now.Add(-6*day))
	stays := capture(2, now.Add(-4*day))
	require.NoError(t, a.Sweep(t.Context(), now, 5*day, nil))
	got, err := a.Captures(t.Context())
	require.NoError(t, err)
	require.Equal(t, []ondemand.Capture{stays}, got)
	refs, err := a.Profiles(t.Context(), shop, "a")
	require.NoError(t, err)
	require.Len(t, refs, 3, "they would have thinned out")

	for i := range ondemand.MaxCaptures {
		require.NoError(t, a.SaveCapture(t.Context(), ondemand.Capture{ID: fmt.Sprintf("new%04d", i), At: now}))
	}
	require.NoError(t, a.Sweep(t.Context(), now, 5*day, nil))
	got, err = a.Captures(t.Context())
	require.NoError(t, err)
	require.Len(t, got, ondemand.MaxCaptures)
	require.NotContains(t, got, stays)
	refs, err = a.Profiles(t.Context(), shop, "a")
	require.NoError(t, err)
	require.Len(t, refs, 1)
}
