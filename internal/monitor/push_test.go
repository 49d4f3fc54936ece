package monitor

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/leak"
)

// pushing lets time pass while each process pushes a profile every 15 seconds. It stops early
// once done is true, and returns how many of the profiles were used.
func (w *world) pushing(d time.Duration, done func() bool) (used int) {
	w.t.Helper()
	for end := w.now.Add(d); w.now.Before(end) && !done(); {
		for after := 15 * time.Second; after < time.Minute; after += 15 * time.Second {
			for _, p := range w.processes {
				ok, err := w.push(p, w.now.Add(after))
				require.NoError(w.t, err)
				if ok {
					used++
				}
			}
		}
		w.run(time.Minute)
	}
	return used
}

func never() bool { return false }

// push pushes a profile of a process, which is not counted as a pull.
func (w *world) push(p *process, now time.Time) (bool, error) {
	return w.monitor.Push(w.t.Context(), now, profiling.Push{
		Instance: p.labels, Kind: collector.KindGoroutine,
		Decode: func(ctx context.Context) (*collector.Profile, error) {
			profile, err := w.Pull(ctx, now, p.labels, 0)
			w.mtx.Lock()
			defer w.mtx.Unlock()
			w.pulls[p.labels.Get("job")+"/"+p.labels.Get("instance")]--
			return profile, err
		},
	})
}

func TestPushedProfilesReplacePulls(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 100, fn: handler})
	used := w.pushing(5*time.Hour, never)
	require.Equal(t, w.dumps["checkout/a"], w.pulls["checkout/a"], "it pushes, so that no profile but dumps is pulled")
	require.Equal(t, 2, w.dumps["checkout/a"], "ages are in no pushed profile")
	require.Greater(t, used, 20)
	require.Less(t, used, 100, "five hours have 900 pushes, of which few are used")
	require.Len(t, w.firing(), 1)
	l := w.firing()[0]
	require.Equal(t, leak.Aged, l.Evidence)
	require.Equal(t, handler, l.Stacks[0].Frames[0].Func)
	require.Contains(t, w.bucket, l.Head.Key, "pushed profiles are archived")
}

func TestPushedBaselinesAreOneAnHour(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{})
	w.add("checkout", "b", process{})
	used := w.pushing(6*time.Hour, never)
	require.Zero(t, w.pulls["checkout/a"]+w.pulls["checkout/b"])
	require.InDelta(t, 12, used, 3)
}

func TestPullsResumeWhenPushesStop(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 100, fn: handler})
	w.pushing(30*time.Minute, never)
	require.Zero(t, w.pulls["checkout/a"])
	w.run(4 * time.Hour)
	require.Greater(t, w.pulls["checkout/a"], 5)
	require.Len(t, w.firing(), 1)
	require.Equal(t, leak.Aged, w.firing()[0].Evidence)
}

// duePull makes a world in which a profile of checkout/a is needed at once.
func duePull(t *testing.T) (*world, *process) {
	w := newWorld(t)
	p := w.add("checkout", "a", process{onset: t0, perHour: 100, fn: handler})
	w.pushing(3*time.Hour, func() bool {
		for _, s := range w.monitor.Services() {
			if s.Verdict.Status.Grows() {
				return true
			}
		}
		return false
	})
	require.Less(t, w.now.Sub(t0), time.Hour)
	w.pushing(2*time.Minute, never)
	return w, p
}

func TestPushedProfilesOfAnImpossibleTimeAreRefused(t *testing.T) {
	w, p := duePull(t)
	now := w.now.Add(15 * time.Second)
	at := func(t time.Time) (bool, error) {
		return w.monitor.Push(w.t.Context(), now, profiling.Push{
			Instance: p.labels, Kind: collector.KindGoroutine,
			Decode: func(ctx context.Context) (*collector.Profile, error) { return w.Pull(ctx, t, p.labels, 0) },
		})
	}
	for _, c := range []struct {
		time time.Time
		err  error
	}{
		{now.Add(2 * time.Minute), profiling.ErrFuture},
		{now.Add(-11 * time.Minute), profiling.ErrTooOld},
		{now.Add(-5 * time.Minute), profiling.ErrOutOfOrder},
		{w.now.Add(-15 * time.Second), profiling.ErrReplayed},
	} {
		used, err := at(c.time)
		require.ErrorIs(t, err, c.err)
		require.False(t, used)
	}
	used, err := at(now)
	require.NoError(t, err)
	require.True(t, used)
	used, err = at(now)
	require.NoError(t, err)
	require.False(t, used, "the next is needed 10 seconds later")
}

func TestInstancesWhosePushesCannotBeReadArePulled(t *testing.T) {
	w, p := duePull(t)
	before := w.pulls["checkout/a"]
	broken := errors.New("broken")
	for range 5 {
		_, err := w.monitor.Push(t.Context(), w.now.Add(15*time.Second), profiling.Push{
			Instance: p.labels, Kind: collector.KindGoroutine,
			Decode: func(context.Context) (*collector.Profile, error) { return nil, broken },
		})
		if err != nil {
			require.ErrorIs(t, err, broken)
		}
		w.run(time.Minute)
	}
	require.Greater(t, w.pulls["checkout/a"], before)
}

func TestPushedLeakProfileProves(t *testing.T) {
	w, p := duePull(t)
	w.pushing(3*time.Hour, func() bool { return len(w.firing()) > 0 })
	w.pushing(6*time.Minute, never)
	require.Equal(t, leak.Aged, w.firing()[0].Evidence)
	asked := w.leakPulls["checkout/a"]
	p.gc = true
	used, err := w.monitor.Push(t.Context(), w.now.Add(10*time.Second), profiling.Push{
		Instance: p.labels, Kind: collector.KindGoroutineLeak,
		Decode: func(ctx context.Context) (*collector.Profile, error) {
			profile, err := w.Leaked(ctx, w.now, p.labels, 0)
			profile.Time = w.now
			return profile, err
		},
	})
	require.NoError(t, err)
	require.True(t, used)
	w.pushing(time.Minute, never)
	require.Equal(t, leak.Proven, w.firing()[0].Evidence)
	require.Equal(t, asked+1, w.leakPulls["checkout/a"], "the one that was pushed, and no more")
}

// Pushes arrive while the cycles run, several of one instance at a time.
func TestPushesBesideTheCycle(t *testing.T) {
	w, p := duePull(t)
	var used atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		now := w.now
		wg.Go(func() {
			for range 50 {
				now = now.Add(time.Duration(11+i) * time.Second)
				switch ok, err := w.push(p, now); {
				case err != nil && !errors.Is(err, profiling.ErrOutOfOrder) && !errors.Is(err, profiling.ErrReplayed):
					t.Error(err)
				case ok:
					used.Add(1)
				}
			}
		})
	}
	for range 5 {
		require.NoError(t, w.monitor.Cycle(t.Context(), w.now.Add(time.Minute)))
		w.now = w.now.Add(time.Minute)
	}
	wg.Wait()
	w.monitor.Wait()
	w.run(time.Minute)
	require.Positive(t, used.Load())
}

// TestPushesFindLeaksSooner compares the same leaks with profiles that are pulled and
// that are pushed.
func TestPushesFindLeaksSooner(t *testing.T) {
	for _, perHour := range []float64{30, 100, 200, 400, 800, 2000} {
		detect := func(run func(*world, func() bool)) time.Duration {
			w := newWorld(t)
			w.add("checkout", "a", process{onset: t0.Add(3 * time.Hour), perHour: perHour, fn: handler})
			run(w, func() bool { return len(w.firing()) > 0 && w.firing()[0].Evidence != leak.Growth })
			return w.now.Sub(t0.Add(3 * time.Hour))
		}
		pulled := detect(func(w *world, found func() bool) {
			for !found() {
				w.run(time.Minute)
			}
		})
		pushed := detect(func(w *world, found func() bool) { w.pushing(24*time.Hour, found) })
		t.Logf("%v goroutines an hour: found after %v with pulls, %v with pushes", perHour, pulled, pushed)
		require.LessOrEqual(t, pushed, pulled)
	}
}
