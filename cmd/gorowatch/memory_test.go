package main

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/config"
)

func TestPercentOfCollections(t *testing.T) {
	for _, c := range []struct {
		configured int
		env        string
		want       int
	}{
		{0, "", defaultGCPercent},
		{0, "75", 75},
		{0, "off", -1},
		{0, "often", defaultGCPercent},
		{50, "", 50},
		{50, "75", 50},
		{-1, "75", -1},
	} {
		require.Equal(t, c.want, percent(config.Runtime{GoGC: c.configured}, c.env), "%+v", c)
	}
}

// A command that runs longer than a moment collects its garbage as usual.
func TestFirstCollectionIsDelayedOnce(t *testing.T) {
	t.Setenv("GOGC", "")
	percent := func() int {
		s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(s)
		return int(s[0].Value.Uint64())
	}
	before := percent()
	defer debug.SetGCPercent(before)
	delayFirstCollection()
	require.Equal(t, firstCollectionPercent, percent())
	runtime.GC()
	require.Eventually(t, func() bool { return percent() == defaultGCPercent }, 10*time.Second, time.Millisecond)

	debug.SetGCPercent(before)
	t.Setenv("GOGC", "55")
	delayFirstCollection()
	require.Equal(t, before, percent(), "the environment decides")
}

func TestMemoryLimitFlags(t *testing.T) {
	for _, c := range []struct {
		limit memoryLimit
		want  string
	}{
		{memoryLimit{on: true, ratio: 0, refresh: "0s"}, "--auto-gomemlimit.ratio: 0 is out of range, expected more than 0 and up to 1"},
		{memoryLimit{on: true, ratio: 1.5, refresh: "0s"}, "--auto-gomemlimit.ratio: 1.5 is out of range, expected more than 0 and up to 1"},
		{memoryLimit{on: true, ratio: 0.9, refresh: "soon"}, `--auto-gomemlimit.refresh-interval: "soon" is not a duration, expected e.g. 30s, 5m or 7d`},
		{memoryLimit{on: false, ratio: 7}, ""},
	} {
		err := c.limit.apply(context.Background(), slog.New(slog.DiscardHandler))
		if c.want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, c.want)
	}
}
