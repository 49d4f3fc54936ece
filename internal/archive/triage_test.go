package archive

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/triage"
	"github.com/gorowatch/gorowatch/leak"
)

func TestTriage(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		e := triage.Entry{Leak: "3f9c2a7b", Owner: "team-<b>\u202e", Note: "see PROJ-1\nand PROJ-2", UpdatedAt: noon, Expected: &triage.Expected{
			Service: shop, Signature: "s1", Reason: "known", Until: noon.Add(time.Hour),
		}}
		require.NoError(t, a.SaveTriage(t.Context(), triage.Entry{Leak: e.Leak, Owner: "before"}))
		require.NoError(t, a.SaveTriage(t.Context(), e), "it replaces what was there")
		require.NoError(t, a.bucket().WriteAll(t.Context(), "triage/half.json", []byte(`{"leak": "ha`), nil))
		got, err := a.Triage(t.Context())
		require.NoError(t, err)
		require.Equal(t, []triage.Entry{e}, got)
		require.Contains(t, a.keys(t), "aside/triage/half.json")
		require.NoError(t, a.DeleteTriage(t.Context(), e.Leak))
		require.NoError(t, a.DeleteTriage(t.Context(), e.Leak), "nothing is there any more")
		got, err = a.Triage(t.Context())
		require.NoError(t, err)
		require.Empty(t, got)
	})
}

// Owner, note and expectation of a leak stay as long as the leak is known, or is expected.
func TestTriageIsSwept(t *testing.T) {
	a := open(t, "file://"+t.TempDir(), nil)
	const day = 24 * time.Hour
	now := noon.Add(30 * day)
	for _, e := range []triage.Entry{
		{Leak: "known", Note: "x", UpdatedAt: noon},
		{Leak: "open", Note: "x", UpdatedAt: noon},
		{Leak: "forgotten", Note: "x", UpdatedAt: noon},
		{Leak: "forgotten-lately", Note: "x", UpdatedAt: now.Add(-day)},
		{Leak: "expected", UpdatedAt: noon, Expected: &triage.Expected{Signature: "s", Reason: "x"}},
		{Leak: "was-expected", UpdatedAt: noon, Expected: &triage.Expected{Signature: "s", Reason: "x", Until: noon.Add(day)}},
	} {
		require.NoError(t, a.SaveTriage(t.Context(), e))
	}
	require.NoError(t, a.SaveLeak(t.Context(), leak.Leak{ID: "known", Service: shop, State: leak.Firing}))
	require.NoError(t, a.Sweep(t.Context(), now, 15*day, []leak.Leak{{ID: "open", Service: shop, State: leak.Suspected}}))
	got, err := a.Triage(t.Context())
	require.NoError(t, err)
	var left []string
	for _, e := range got {
		left = append(left, e.Leak)
	}
	require.ElementsMatch(t, []string{"known", "open", "forgotten-lately", "expected"}, left)
}
