package check

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/backoff"
	"github.com/gorowatch/gorowatch/internal/diff"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// awaitTarget waits for a target that is not up yet, because it was started just now.
func (c *checker) awaitTarget(ctx context.Context) error {
	start, waits := time.Now(), false
	for c.Wait > 0 {
		_, err := c.load(ctx, c.profile)
		if err == nil || ctx.Err() != nil || !isDown(err) {
			return err
		}
		if time.Since(start) >= c.Wait {
			return fmt.Errorf("%w; waited %s for it to start (--wait)", err, c.Wait)
		}
		if !waits {
			waits = true
			c.log("waiting up to %s for the target to start: %v", c.Wait, errors.Unwrap(err))
		}
		if err := backoff.Sleep(ctx, min(awaitInterval, c.Wait-time.Since(start))); err != nil {
			return err
		}
	}
	return nil
}

// awaitInterval is the time between two attempts at a target that is not up yet.
const awaitInterval = 200 * time.Millisecond

// isDown reports whether a target fails because it is not up yet: nobody listens, the
// connection is cut, or a proxy before it says so. A target that answers the request is
// up.
func isDown(err error) bool {
	switch collector.ReasonOf(err) {
	case collector.ReasonRefused, collector.ReasonTimeout, collector.ReasonTruncated, collector.ReasonStatus, collector.ReasonRateLimited:
		return true
	case collector.ReasonOther:
		// A connection that was closed at once fails with "http: server closed idle
		// connection", which has no type.
		return !errors.Is(err, diff.ErrIncomplete)
	}
	return false
}

// awaitRest waits until the target is at rest and returns two equal profiles in a row. If
// the target does not come to rest, it returns all profiles that were taken.
func (c *checker) awaitRest(ctx context.Context) (*window, error) {
	all := &window{}
	for start := time.Now(); ; {
		last := all.last
		s, err := c.takeProfile(ctx)
		if err != nil {
			return nil, err
		}
		all.add(s)
		if last != nil && !c.hasChanged(last, s) {
			w := &window{}
			w.add(last)
			w.add(s)
			return w, nil
		}
		if time.Since(start) >= c.Settle {
			c.log("the target does not come to rest, even before the command")
			return all, nil
		}
		if err := backoff.Sleep(ctx, c.interval(all.n)); err != nil {
			return nil, err
		}
	}
}

// interval returns the time from the nth profile to the next. It varies by a quarter, so
// that a job that the target runs every second is not in every profile.
func (c *checker) interval(n int) time.Duration {
	_, fraction := math.Modf(float64(n) * math.Phi)
	return time.Duration(float64(c.Interval) * (0.75 + fraction/2))
}

// hasChanged reports whether a selected stack differs between two profiles.
func (c *checker) hasChanged(a, b *stack.Snapshot) bool {
	for _, d := range stack.Diff(a, b) {
		if c.isWanted(d.Stack) {
			return true
		}
	}
	return false
}

// mayEnd reports whether a goroutine in this operation may continue by itself.
func mayEnd(op string) bool {
	switch op {
	case stack.Running, "sleep", "syscall", "IO wait":
		return true
	}
	return false
}

// settle takes profiles until no stack has grown since before, or the time is up. It ends
// earlier if no goroutine ended for a third of the time, unless one that is left sleeps,
// works, reads or moves, because that one may still end.
func (c *checker) settle(ctx context.Context, before *window) (*window, error) {
	start := time.Now()
	w := &window{}
	fewest, since, byID := int64(0), start, false
	c.size = 0 // the load may have left many
	for {
		s, err := c.takeProfile(ctx)
		if err != nil && (ctx.Err() != nil || time.Since(start) >= c.Settle) {
			return nil, err
		}
		if err == nil {
			w.add(s)
			var n int64
			patience := c.Settle / 3
			for _, g := range c.grown(before, w) {
				n += g.Growth()
				if g.alive || mayEnd(g.Op) {
					patience = c.Settle
				}
			}
			if w.n == 1 || n < fewest || named(before, w) != byID {
				fewest, since, byID = n, time.Now(), named(before, w)
				w.rest()
			}
			if n == 0 && (!w.moved || w.n >= enoughCounts) || time.Since(since) >= patience || time.Since(start) >= c.Settle {
				return w, nil
			}
		}
		// A target that is busy with the rest of the load may fail at times.
		if err := backoff.Sleep(ctx, c.interval(w.n)); err != nil {
			return nil, err
		}
	}
}
