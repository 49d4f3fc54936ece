package backoff

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWaitDoublesUpToItsBound(t *testing.T) {
	p := Policy{First: 500 * time.Millisecond, Max: 3 * time.Second}
	for failures, want := range []time.Duration{0, 500 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second} {
		require.Equal(t, want, p.Wait(failures), "after %d failures", failures)
	}
	require.Zero(t, p.Wait(-1))
	require.Equal(t, 3*time.Second, p.Wait(math.MaxInt))
	require.Equal(t, 20*time.Second, p.WaitAtLeast(2, 20*time.Second))
	require.Equal(t, time.Second, p.WaitAtLeast(2, time.Millisecond))

	require.Equal(t, time.Duration(math.MaxInt64), Policy{First: time.Second, Max: math.MaxInt64}.Wait(1000), "no overflow")
	require.Equal(t, time.Second, Policy{First: time.Minute, Max: time.Second}.Wait(1), "First is within Max")
	require.Zero(t, Policy{Max: time.Second}.Wait(math.MaxInt))
}

func TestWaitIsSpread(t *testing.T) {
	p := Policy{First: time.Second, Max: time.Minute, Jitter: 0.1}
	different := map[time.Duration]bool{}
	for range 1000 {
		wait := p.Wait(2)
		require.GreaterOrEqual(t, wait, 1800*time.Millisecond)
		require.LessOrEqual(t, wait, 2200*time.Millisecond)
		asked := p.WaitAtLeast(2, 10*time.Second)
		require.GreaterOrEqual(t, asked, 10*time.Second, "never before the server wants it")
		require.LessOrEqual(t, asked, 11*time.Second)
		different[wait] = true
	}
	require.Greater(t, len(different), 100)
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		require.NoError(t, Sleep(t.Context(), time.Hour))
		require.Equal(t, time.Hour, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, Sleep(ctx, time.Hour), context.DeadlineExceeded)
		require.Equal(t, time.Hour+time.Second, time.Since(began))
	})
}
