package collector

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Sample is what one scrape says of one instance.
type Sample struct {
	// T is the time of the scrape in Unix milliseconds.
	T int64
	// Count is the number of goroutines.
	Count float64
	// Load is the rate of work in any unit that stays the same over time,
	// by default CPU seconds per second. NaN: unknown.
	Load float64
	// Start is the start of the process in Unix seconds. NaN: unknown. A
	// change is a restart.
	Start float64
}

// Unknown marks a Load or a Start that the source does not have.
var Unknown = math.NaN()

// Scrape is what an instance says of itself when it is scraped. What it does
// not have is Unknown.
type Scrape struct {
	// T is the time of the scrape in Unix milliseconds.
	T int64
	// Count is the number of goroutines.
	Count float64
	// CPU is the counter of the CPU seconds of the process, or another metric for its
	// load.
	CPU float64
	// Start is the start of the process in Unix seconds, or what another metric says of
	// it.
	Start float64
	// Names are the metrics that Count, CPU and Start are of; empty: the first ones that
	// are tried.
	Names [3]string
}

// Series is the samples of one instance in a window, in time order.
type Series struct {
	// Labels identify the instance, without a metric name.
	Labels  labels.Labels
	Samples []Sample
}

// Window is all samples in (From, To], grouped by instance.
type Window struct {
	From, To time.Time
	Series   []Series
	// Warnings are what the source said besides the data, e.g. a partial
	// response. The data are used nevertheless.
	Warnings []string
}

// SeriesSource reads the series of all watched instances.
//
// An error means that the window could not be read as a whole; the caller
// asks for it again. Missing data is not an error: an instance without
// samples is absent.
type SeriesSource interface {
	Window(ctx context.Context, from, to time.Time) (Window, error)
}

// BlockSource is a SeriesSource that can sum up what it has before it gives it
// away, for a history that is long.
type BlockSource interface {
	SeriesSource
	// Blocks reads the time from from, included, to to, excluded, in blocks of
	// the given length, of which both are whole multiples since the epoch. Each
	// Sample stands for the block that it is the last step of: its Count is the
	// smallest at any step of the block. A block in which a process has begun is
	// absent, since it would have the counts of two.
	Blocks(ctx context.Context, from, to time.Time, length time.Duration) (Window, error)
}

// Reason is why something could not be read: a closed set, used as a label
// of metrics.
type Reason string

// The reasons.
const (
	ReasonRefused      Reason = "refused"      // no connection: refused, no route, name not found
	ReasonTimeout      Reason = "timeout"      // no answer in time
	ReasonTLS          Reason = "tls"          // certificate or handshake
	ReasonUnauthorized Reason = "unauthorized" // 401, 403, 407
	ReasonNotFound     Reason = "not_found"    // 404: no profile there
	ReasonStatus       Reason = "status"       // any other status
	ReasonRedirect     Reason = "redirect"     // sent to another host
	ReasonNotProfile   Reason = "not_a_profile"
	ReasonTruncated    Reason = "truncated" // ends before its time
	ReasonTooLarge     Reason = "too_large" // over a limit of bytes or stacks
	ReasonBadData      Reason = "bad_data"  // an answer that cannot be understood
	ReasonRateLimited  Reason = "rate_limited"
	ReasonCanceled     Reason = "canceled"
	ReasonNoTarget     Reason = "no_target"  // nothing is known to have this instance's profiles
	ReasonGone         Reason = "gone"       // its pod is gone, its series not yet
	ReasonAmbiguous    Reason = "ambiguous"  // several targets claim to be this instance
	ReasonNoConsent    Reason = "no_consent" // not asked: the configuration, or the target, says so
	ReasonBudget       Reason = "budget"     // not asked, to spare the target
	ReasonSlow         Reason = "slow"       // not asked: it took long to answer the last time
	ReasonBackOff      Reason = "back_off"   // not asked: it has failed lately, or wants to be left alone
	ReasonDecoder      Reason = "decoder"    // the decoder failed on it: a mistake of ours
	ReasonSetAside     Reason = "set_aside"  // not asked: its last profile was more than the decoder takes
	ReasonOther        Reason = "other"
)

// Reasons lists them all, for counters that start at 0.
var Reasons = []Reason{
	ReasonRefused, ReasonTimeout, ReasonTLS, ReasonUnauthorized, ReasonNotFound, ReasonStatus,
	ReasonRedirect, ReasonNotProfile, ReasonTruncated, ReasonTooLarge, ReasonBadData,
	ReasonRateLimited, ReasonCanceled, ReasonNoTarget, ReasonGone, ReasonAmbiguous, ReasonNoConsent, ReasonBudget,
	ReasonSlow, ReasonBackOff, ReasonDecoder, ReasonSetAside, ReasonOther,
}

// Deferred tells that what was wanted was put off to spare the target, which
// has not failed.
func (r Reason) Deferred() bool { return r == ReasonBudget || r == ReasonSlow }

// Undecodable tells that a profile was more than the decoder takes, or broke it.
// Decoding the same bytes again would end the same way.
func (r Reason) Undecodable() bool { return r == ReasonTooLarge || r == ReasonDecoder }

// Error is a failure with its reason. Err says it in words, with every URL
// redacted.
type Error struct {
	Reason Reason
	Err    error
	// RetryAfter is how long the server wants to be left alone, 0 if it has not
	// said.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error.
func Errorf(r Reason, format string, args ...any) error {
	return &Error{Reason: r, Err: fmt.Errorf(format, args...)}
}

// ReasonOf is the reason of an error that went through this package, and
// ReasonOther of any other.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ReasonOther
}
