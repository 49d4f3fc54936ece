package tsdb

import (
	"errors"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

var shop = labels.FromStrings("job", "shop", "instance", "a:80")

func store(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := OpenStore(StoreOptions{Dir: dir, Retention: 30 * 24 * time.Hour})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// An instance is scraped for ten minutes. It restarts after five, and its first scrapes have no
// load. Another one only has its goroutines.
func appendAll(t *testing.T, s *Store) {
	t.Helper()
	bare := labels.FromStrings("job", "bare", "instance", "b:80")
	for i := range 40 {
		at := start.Add(time.Duration(i) * 15 * time.Second)
		begin := float64(start.Unix() - 3600)
		if i >= 20 {
			begin = float64(start.Unix() + 5*60 - 10)
		}
		require.NoError(t, s.Append(shop, collector.Scrape{
			T: at.UnixMilli(), Count: float64(100 + i), CPU: 0.5 * (float64(at.Unix()) - begin), Start: begin,
		}))
		require.NoError(t, s.Append(bare, collector.Scrape{T: at.UnixMilli(), Count: 7, CPU: collector.Unknown, Start: collector.Unknown}))
	}
}

func checkAll(t *testing.T, src collector.SeriesSource) {
	t.Helper()
	w, err := src.Window(t.Context(), start.Add(-time.Second), start.Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, w.Series, 2)
	full, bare := w.Series[0], w.Series[1]
	if full.Labels.Get("job") == "bare" {
		full, bare = bare, full
	}
	require.Equal(t, shop.String(), full.Labels.String())
	require.Len(t, full.Samples, 40)
	for i, x := range full.Samples {
		require.Equal(t, float64(100+i), x.Count)
		switch {
		case i >= 20: // for five minutes a rate would have samples of both processes
			require.True(t, i == 39 || math.IsNaN(x.Load), "%d", i)
		case i > 0: // the range of the rate begins before the samples
			require.InDelta(t, 0.5*(float64(i)+0.5)/20, x.Load, 0.02, "%d", i)
		}
	}
	require.NotEqual(t, full.Samples[19].Start, full.Samples[20].Start)
	require.Len(t, bare.Samples, 40)
	require.True(t, math.IsNaN(bare.Samples[9].Load) && math.IsNaN(bare.Samples[9].Start))
}

func TestStoreGivesBackWhatItWasGiven(t *testing.T) {
	s := store(t, t.TempDir())
	appendAll(t, s)
	checkAll(t, s)

	early, err := s.Window(t.Context(), start, start.Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, early.Series[1].Samples, 4, "after from, up to to")

	// The folder is that of a Prometheus, and a scan can read it during writes.
	checkAll(t, open(t, Options{Dir: s.db.Dir()}))
}

func TestStoreGoesOn(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(StoreOptions{Dir: dir})
	require.NoError(t, err)
	appendAll(t, s)
	_, err = OpenStore(StoreOptions{Dir: dir})
	require.Error(t, err, "two at a time would ruin it")
	require.NoError(t, s.Close())
	checkAll(t, store(t, dir))
}

func TestStoreWithTheClockSetBack(t *testing.T) {
	s := store(t, t.TempDir())
	at := start.Add(24 * time.Hour)
	require.NoError(t, s.Append(shop, collector.Scrape{T: at.UnixMilli(), Count: 5, CPU: 1, Start: 1}))
	for _, back := range []time.Duration{time.Second, 3 * time.Hour} {
		err := s.Append(shop, collector.Scrape{T: at.Add(-back).UnixMilli(), Count: 6, CPU: 2, Start: 1})
		require.ErrorContains(t, err, "has the clock been set back?")
		require.Equal(t, collector.ReasonBadData, collector.ReasonOf(err))
	}
	require.NoError(t, s.Append(shop, collector.Scrape{T: at.UnixMilli() + 1, Count: 7, CPU: 2, Start: 1}))
}

func TestStoreLetsGoOfInstances(t *testing.T) {
	s := store(t, t.TempDir())
	for i := range 100 {
		in := labels.FromStrings("instance", string(rune('A'+i)))
		require.NoError(t, s.Append(in, collector.Scrape{T: start.Add(time.Duration(i) * 2 * time.Hour).UnixMilli(), Count: 1, CPU: 1, Start: 1}))
	}
	require.Len(t, s.refs, 1)
}

func TestStoreThatCannotBeMade(t *testing.T) {
	_, err := OpenStore(StoreOptions{Dir: "/dev/null/series", Logger: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "/dev/null/series")
	require.Error(t, errors.Unwrap(err))
}
