package pulling

import (
	"errors"
	"fmt"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/backoff"
)

const (
	// slowResponse is the time after which an answer counts as slow. Then the target is left alone
	// for slowCooldown times as long as it took.
	slowResponse = time.Second
	slowCooldown = 100
	firstBackoff = 30 * time.Second
	maxBackoff   = time.Hour
	// maxRetryAfter is the longest Retry-After that is honoured.
	maxRetryAfter = 24 * time.Hour
	// maxDebt is the longest time that it takes to pay off a pull.
	maxDebt = 7 * 24 * time.Hour
	// quarantineTime is how long a kind of profile that the decoder rejected is not pulled.
	quarantineTime = 24 * time.Hour
)

// quarantineKey is a kind of profile and its format.
type quarantineKey struct {
	kind  collector.ProfileKind
	debug int
}

// quarantine is why a kind of profile of an instance is not pulled: the decoder rejected the last one as
// too large. It would reject the next one too, unless the instance has less than half as many
// goroutines by then.
type quarantine struct {
	until      time.Time
	goroutines float64
	why        string
}

// cooldown is until when a target is not asked, and why.
type cooldown struct {
	until  time.Time
	reason collector.Reason
	why    string
}

// extend makes the cooldown last until a time, unless it lasts longer.
func (c *cooldown) extend(until time.Time, r collector.Reason, why string) {
	if until.After(c.until) {
		*c = cooldown{until, r, why}
	}
}

// coolDown decides, after a pull, how long the target is left alone.
func (t *targetState) coolDown(now time.Time, s TargetStatus, err error, k pullKind) {
	if s.Duration > slowResponse {
		t.cooldown.extend(now.Add(slowCooldown*s.Duration), collector.ReasonSlow, fmt.Sprintf("it took %s to answer", s.Duration.Round(100*time.Millisecond)))
	}
	switch reason := s.Reason; {
	case err == nil:
		t.failures = 0
	case reason == collector.ReasonCanceled, reason == collector.ReasonNoTarget, reason == collector.ReasonGone, reason == collector.ReasonAmbiguous, reason == collector.ReasonNoConsent:
		// The target was not asked.
	case reason == collector.ReasonBudget:
		// There was no memory to decode the answer.
	case k.kind != collector.KindGoroutine && reason == collector.ReasonNotFound:
		// Many targets do not have this kind of profile.
	default:
		t.failures++
		d := backoff.Policy{First: firstBackoff, Max: maxBackoff}.Wait(t.failures)
		// Targets that failed together are not asked again together.
		d += time.Duration(t.status.Labels.Hash() % uint64(d/4))
		var known *collector.Error
		if errors.As(err, &known) && known.RetryAfter > d {
			d = min(known.RetryAfter, maxRetryAfter)
		}
		t.cooldown.extend(now.Add(d), collector.ReasonBackOff, "the last answer was: "+s.Error)
	}
}

// isQuarantined reports whether a kind of profile must not be pulled.
func (t *targetState) isQuarantined(now time.Time, goroutines float64, k pullKind) bool {
	key := quarantineKey{k.kind, k.debug}
	q, ok := t.quarantines[key]
	if ok && (!now.Before(q.until) || goroutines < q.goroutines/2) {
		delete(t.quarantines, key)
		ok = false
	}
	return ok
}
