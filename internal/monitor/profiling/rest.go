package profiling

import (
	"errors"
	"fmt"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/backoff"
)

// How a target is left alone that is slow or fails.
const (
	slowAnswer   = time.Second // an answer that took longer is slow
	slowRest     = 100         // times as long the target then rests
	firstBackOff = 30 * time.Second
	maxBackOff   = time.Hour
	maxPatience  = 24 * time.Hour     // with a Retry-After
	maxDebt      = 7 * 24 * time.Hour // how long a pull is paid off at most
	asideTime    = 24 * time.Hour     // of what the decoder cannot take
)

// asideKey is a kind of profile and how it is written.
type asideKey struct {
	kind  collector.ProfileKind
	debug int
}

// aside is why a kind of an instance's profiles is not asked for: the last one
// was more than the decoder takes. So would the next be, unless the instance has
// changed: it has less than half of the goroutines that it had.
type aside struct {
	until      time.Time
	goroutines float64
	why        string
}

// leaveAlone decides how long the target rests, after it was asked.
func (t *pulled) leaveAlone(now time.Time, s TargetStatus, err error, w want) {
	rest := func(d time.Duration, r collector.Reason, why string) {
		if until := now.Add(d); until.After(t.rest) {
			t.rest, t.restReason, t.restWhy = until, r, why
		}
	}
	if s.Duration > slowAnswer {
		rest(slowRest*s.Duration, collector.ReasonSlow, fmt.Sprintf("it took %s to answer", s.Duration.Round(100*time.Millisecond)))
	}
	switch reason := s.Reason; {
	case err == nil:
		t.failed = 0
	case reason == collector.ReasonCanceled, reason == collector.ReasonNoTarget, reason == collector.ReasonGone, reason == collector.ReasonAmbiguous, reason == collector.ReasonNoConsent:
		// Nobody has asked it.
	case reason == collector.ReasonBudget:
		// There was no memory to decode what it sent.
	case w.kind == collector.KindGoroutineLeak && reason == collector.ReasonNotFound:
		// Most have none.
	default:
		t.failed++
		d := backoff.Policy{First: firstBackOff, Max: maxBackOff}.Wait(t.failed)
		// Those that failed together are not all asked again together.
		d += time.Duration(t.status.Labels.Hash() % uint64(d/4))
		var known *collector.Error
		if errors.As(err, &known) && known.RetryAfter > d {
			d = min(known.RetryAfter, maxPatience)
		}
		rest(d, collector.ReasonBackOff, "the last answer was: "+s.Error)
	}
}

// isAside tells whether a kind of profile is not to be asked for.
func (t *pulled) isAside(now time.Time, goroutines float64, w want) bool {
	key := asideKey{w.kind, w.debug}
	a, ok := t.aside[key]
	if ok && (!now.Before(a.until) || goroutines < a.goroutines/2) {
		delete(t.aside, key)
		ok = false
	}
	return ok
}
