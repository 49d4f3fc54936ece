package triage

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// bucket is a Bucket in memory, which may fail.
type bucket struct {
	entries map[string]Entry
	err     error
}

func (b *bucket) Triage(context.Context) (out []Entry, err error) {
	for _, e := range b.entries {
		out = append(out, e)
	}
	return out, b.err
}

func (b *bucket) SaveTriage(_ context.Context, e Entry) error {
	if b.err == nil {
		b.entries[e.Leak] = e
	}
	return b.err
}

func (b *bucket) DeleteTriage(_ context.Context, leak string) error {
	if b.err == nil {
		delete(b.entries, leak)
	}
	return b.err
}

func expected() *Expected {
	return &Expected{Service: labels.FromStrings("job", "a"), Signature: "s1", Reason: "a pool that is never full", Until: noon.AddDate(0, 1, 0)}
}

func TestBook(t *testing.T) {
	kept := &bucket{entries: map[string]Entry{}}
	b := NewBook(kept, slog.New(slog.DiscardHandler))
	require.NoError(t, b.Set(t.Context(), noon, Entry{Leak: "x", Owner: "team-a", Expected: expected()}))
	require.Equal(t, "team-a", b.Entry("x").Owner)
	require.Equal(t, noon, b.Entry("x").UpdatedAt)
	require.True(t, b.Entry("x").IsExpected(noon))
	require.False(t, b.Entry("x").IsExpected(noon.AddDate(0, 1, 0)), "the rule has ended")
	require.Len(t, kept.entries, 1)

	// Another book, after a restart, has it too.
	other := NewBook(kept, slog.New(slog.DiscardHandler))
	changed, err := other.Read(t.Context())
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, b.Entries(), other.Entries())
	changed, err = other.Read(t.Context())
	require.NoError(t, err)
	require.False(t, changed)

	// A bucket that cannot be written changes nothing.
	kept.err = errors.New("disk full")
	require.ErrorIs(t, b.Set(t.Context(), noon, Entry{Leak: "x"}), ErrNotKept)
	require.Equal(t, "team-a", b.Entry("x").Owner)
	_, err = b.Read(t.Context())
	require.ErrorContains(t, err, "disk full")
	require.Equal(t, "team-a", b.Entry("x").Owner)

	kept.err = nil
	require.NoError(t, b.Set(t.Context(), noon, Entry{Leak: "x"}))
	require.Empty(t, b.Entries())
	require.Empty(t, kept.entries)
}

func TestCheck(t *testing.T) {
	require.NoError(t, Entry{Leak: "x", Owner: "a", Note: "b", Expected: expected()}.Check(noon))
	for problem, e := range map[string]Entry{
		"owner: has 201 bytes, expected at most 200":                 {Owner: strings.Repeat("x", MaxOwner+1)},
		"note: has 4001 bytes, expected at most 4000":                {Note: strings.Repeat("x", MaxNote+1)},
		"note: is not text, expected UTF-8":                          {Note: "\xff"},
		"expected: the leak has no stack yet":                        {Expected: &Expected{Reason: "x"}},
		"expected.reason: is empty, expected why the leak may go on": {Expected: &Expected{Signature: "s", Reason: " "}},
		"expected.until: 2026-03-02 is past, expected a later day":   {Expected: &Expected{Signature: "s", Reason: "x", Until: noon}},
	} {
		require.ErrorContains(t, e.Check(noon), problem)
	}
}

func TestParseUntil(t *testing.T) {
	for s, want := range map[string]time.Time{
		"": {}, "2026-03-31": time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), "2026-03-31T10:00:00Z": time.Date(2026, 3, 31, 10, 0, 0, 0, time.UTC),
	} {
		got, err := ParseUntil(s)
		require.NoError(t, err)
		require.True(t, want.Equal(got), s)
	}
	_, err := ParseUntil("next week")
	require.EqualError(t, err, `expected.until: "next week" is not a day, expected e.g. 2026-12-31`)
}
