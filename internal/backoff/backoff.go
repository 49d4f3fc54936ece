package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Policy says how long to wait after failures in a row. A Policy is a value that
// never changes, so that any number of goroutines may share one.
type Policy struct {
	// First is the wait after the first failure.
	First time.Duration
	// Max bounds the wait, before jitter.
	Max time.Duration
	// Jitter is the share by which a wait is shorter or longer at random: 0.1 is
	// 10 % either way, 0 makes waits exact.
	Jitter float64
}

// Wait returns how long to wait after a number of failures in a row. Without a
// failure it is 0.
func (p Policy) Wait(failures int) time.Duration {
	return p.scale(p.exact(failures), 1-p.Jitter, 1+p.Jitter)
}

// WaitAtLeast is Wait for a server that asked for a pause. The wait is never shorter than that,
// and longer by up to the jitter, because other clients got the same answer.
func (p Policy) WaitAtLeast(failures int, asked time.Duration) time.Duration {
	return max(p.Wait(failures), p.scale(asked, 1, 1+p.Jitter))
}

// exact is Wait without jitter.
func (p Policy) exact(failures int) time.Duration {
	if failures < 1 {
		return 0
	}
	wait := min(p.First, p.Max)
	for ; failures > 1 && 0 < wait && wait < p.Max; failures-- {
		if wait > p.Max/2 {
			return p.Max // twice as long may be more than a Duration holds
		}
		wait *= 2
	}
	return wait
}

// scale multiplies a time by a factor at random between two.
func (p Policy) scale(d time.Duration, low, high float64) time.Duration {
	if p.Jitter <= 0 {
		return d
	}
	return time.Duration(float64(d) * (low + (high-low)*rand.Float64()))
}

// Sleep waits for a time, or until the context is done: then it returns the
// context's error.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
