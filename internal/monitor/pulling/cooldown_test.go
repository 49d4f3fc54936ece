package pulling

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// pullAt pulls a profile of a:80 at a time after noon.
func pullAt(t *testing.T, p *Puller, after time.Duration) (collector.Reason, error) {
	t.Helper()
	_, err := p.Pull(t.Context(), noon.Add(after), instance("a:80"), 100)
	if err == nil {
		return "", nil
	}
	return collector.ReasonOf(err), err
}

// A target that answers 503 is asked again after half a minute, a minute, two, up to once an
// hour, and normally after it has recovered.
func TestStormIsBackedOff(t *testing.T) {
	var fail error
	asked := 0
	p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
		asked++
		return &collector.Profile{Total: 100}, fail
	})
	fail = collector.Errorf(collector.ReasonStatus, "503 Service Unavailable")
	var gaps []time.Duration
	last := time.Duration(0)
	for s := range 5 * 3600 {
		before := asked
		at := time.Duration(s) * time.Second
		reason, err := pullAt(t, p, at)
		if asked == before {
			require.Equal(t, collector.ReasonBackOff, reason)
			require.ErrorContains(t, err, "left alone until ")
			require.ErrorContains(t, err, ": the last answer was: 503 Service Unavailable")
			continue
		}
		gaps = append(gaps, at-last)
		last = at
	}
	require.Len(t, gaps, 11, "in five hours of wishes at every second")
	for i := 2; i < 8; i++ {
		require.InEpsilon(t, 2, float64(gaps[i])/float64(gaps[i-1]), 0.3, "%v", gaps)
	}
	require.GreaterOrEqual(t, gaps[1], firstBackoff)
	require.LessOrEqual(t, gaps[10], maxBackoff+maxBackoff/4)

	fail = nil
	reason, _ := pullAt(t, p, last+2*time.Hour)
	require.Empty(t, reason)
	reason, _ = pullAt(t, p, last+2*time.Hour+time.Second)
	require.Empty(t, reason, "all is well again")
}

// Targets that failed together are not asked again together.
func TestBackOffIsSpread(t *testing.T) {
	p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
		return nil, collector.Errorf(collector.ReasonStatus, "503")
	})
	at := map[time.Duration]int{}
	for i := range 100 {
		in := instance(fmt.Sprint(i))
		_, _ = p.Pull(t.Context(), noon, in, 1)
		at[p.targets[in.Hash()].cooldown.until.Sub(noon).Truncate(time.Second)]++
	}
	require.Greater(t, len(at), 5)
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{
		10 * time.Minute:    10 * time.Minute,
		time.Second:         firstBackoff,
		30 * 24 * time.Hour: maxRetryAfter,
	} {
		p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
			return nil, collector.NetworkError(&url.URL{Scheme: "http", Host: "a"}, &collector.Error{Reason: collector.ReasonRateLimited, Err: errors.New("429"), RetryAfter: after})
		})
		reason, _ := pullAt(t, p, 0)
		require.Equal(t, collector.ReasonRateLimited, reason)
		reason, _ = pullAt(t, p, want-time.Second)
		require.Equal(t, collector.ReasonBackOff, reason)
		reason, _ = pullAt(t, p, want+want/4)
		require.Equal(t, collector.ReasonRateLimited, reason, "%s: asked again", after)
	}
}

// A target that takes 5 s for its profile is busy: it is asked again after 500 s. One that
// takes 50 ms is asked normally.
func TestSlowTargetIsAskedLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes := 5 * time.Second
		p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
			time.Sleep(takes)
			return &collector.Profile{Total: 100}, nil
		})
		reason, _ := pullAt(t, p, 0)
		require.Empty(t, reason)
		reason, err := pullAt(t, p, 499*time.Second)
		require.Equal(t, collector.ReasonSlow, reason)
		require.EqualError(t, err, "left alone until 12:08:20: it took 5s to answer")
		require.Equal(t, err.Error(), p.Targets()[0].Skipped)
		takes = 50 * time.Millisecond
		reason, _ = pullAt(t, p, 500*time.Second)
		require.Empty(t, reason)
		reason, _ = pullAt(t, p, 501*time.Second)
		require.Empty(t, reason)
	})
}

// If the decoder rejects a target's profile, that kind of profile is not pulled for a day, or until the
// target has far fewer goroutines.
func TestSetAside(t *testing.T) {
	for _, reason := range []collector.Reason{collector.ReasonTooLarge, collector.ReasonDecoder} {
		fetched := 0
		fail := collector.Errorf(reason, "it takes more than 128 bytes of memory to decode")
		p, reg := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
			fetched++
			if fail != nil {
				return nil, fail
			}
			return &collector.Profile{Total: 400}, nil
		})
		_, err := p.Pull(t.Context(), noon, instance("a:80"), 1000)
		require.Equal(t, reason, collector.ReasonOf(err))
		for _, later := range []time.Duration{time.Minute, 2 * time.Hour, quarantineTime - time.Second} {
			_, err = p.Pull(t.Context(), noon.Add(later), instance("a:80"), 1000)
			require.Equal(t, collector.ReasonSetAside, collector.ReasonOf(err))
			require.ErrorContains(t, err, "it takes more than 128 bytes of memory to decode")
		}
		require.Equal(t, 1, fetched)
		require.Equal(t, 3.0, p.pulls("set_aside"))
		n, err := testutil.GatherAndCount(reg, "gorowatch_profile_pulls_total")
		require.NoError(t, err)
		require.Positive(t, n)
		status := p.Targets()[0]
		require.Equal(t, reason, status.Reason)
		require.Contains(t, status.Skipped, "set aside until 2026-03-02 12:00:00")

		fail = nil
		_, err = p.Dump(t.Context(), noon.Add(2*time.Hour), instance("a:80"), 1000)
		require.NoError(t, err, "another kind")
		_, err = p.Pull(t.Context(), noon.Add(2*time.Hour), instance("a:80"), 400)
		require.NoError(t, err, "it has restarted")
		_, err = p.Pull(t.Context(), noon.Add(3*time.Hour), instance("a:80"), 1000)
		require.NoError(t, err, "that was once")

		fail = collector.Errorf(reason, "again")
		_, err = p.Pull(t.Context(), noon.Add(4*time.Hour), instance("a:80"), 1000)
		require.Equal(t, reason, collector.ReasonOf(err))
		_, err = p.Pull(t.Context(), noon.Add(4*time.Hour+quarantineTime), instance("a:80"), 1000)
		require.Equal(t, reason, collector.ReasonOf(err), "asked again after a day")
	}
}

// A lack of memory for its profile does not count against a target.
func TestNoMemoryIsNoFailure(t *testing.T) {
	p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
		return nil, collector.Errorf(collector.ReasonBudget, "not decoded in time")
	})
	for s := range 3 {
		_, err := p.Pull(t.Context(), noon.Add(time.Duration(s)*time.Second), instance("a:80"), 10)
		require.ErrorContains(t, err, "not decoded in time")
	}
}
