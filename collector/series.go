package collector

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Sample is the values of one instance at one scrape.
type Sample struct {
	// T is the time of the scrape in Unix milliseconds.
	T int64
	// Count is the number of goroutines.
	Count float64
	// Load is the rate of work in any unit that stays the same over time,
	// by default CPU seconds per second. NaN: unknown.
	Load float64
	// Creates means that Load is the number of goroutines that the process creates per second.
	Creates bool
	// Start is the start of the process in Unix seconds. NaN: unknown. A
	// change is a restart.
	Start float64
}

// Unknown marks a Load or a Start that the source does not have.
var Unknown = math.NaN()

// Scrape is the values that an instance exposes at one scrape. Missing values are Unknown.
type Scrape struct {
	// T is the time of the scrape in Unix milliseconds.
	T int64
	// Count is the number of goroutines.
	Count float64
	// CPU is the counter of the CPU seconds of the process, or of another metric for its load.
	CPU float64
	// Start is the start of the process in Unix seconds, or the value of another metric for it.
	Start float64
	// Names are the metrics of Count, CPU and Start; empty: the first ones of the lists.
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
	// Warnings are what the source reported besides the data, e.g. a partial response. The data
	// are used nevertheless.
	Warnings []string
}

// SeriesSource reads the series of all watched instances.
//
// An error means that the window could not be read as a whole, and the caller asks for it
// again. Missing data are no error: an instance without samples is absent.
type SeriesSource interface {
	Window(ctx context.Context, from, to time.Time) (Window, error)
}

// BlockSource is a SeriesSource that can aggregate a long history before it returns it.
type BlockSource interface {
	SeriesSource
	// Blocks reads the time from from, included, to to, excluded, in blocks of the given
	// length. Both are multiples of it since the epoch. Each Sample stands for the block that
	// ends with it: its Count is the smallest at any step of the block. A block in which a
	// process began is absent, because it would have the counts of two.
	Blocks(ctx context.Context, from, to time.Time, length time.Duration) (Window, error)
}

// Reason is why something could not be read. The set is closed, because metrics use it as a
// label.
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
	ReasonTruncated    Reason = "truncated" // cut off
	ReasonTooLarge     Reason = "too_large" // over a limit of bytes or stacks
	ReasonBadData      Reason = "bad_data"  // an answer that cannot be understood
	ReasonRateLimited  Reason = "rate_limited"
	ReasonCanceled     Reason = "canceled"
	ReasonNoTarget     Reason = "no_target"  // no target is known for this instance
	ReasonGone         Reason = "gone"       // its pod is gone, its series is not yet
	ReasonAmbiguous    Reason = "ambiguous"  // several targets claim to be this instance
	ReasonNoConsent    Reason = "no_consent" // not asked: the configuration, or the target, forbids it
	ReasonBudget       Reason = "budget"     // not asked, to spare the target
	ReasonSlow         Reason = "slow"       // not asked: its last answer took long
	ReasonBackOff      Reason = "back_off"   // not asked: it failed recently, or sent Retry-After
	ReasonDecoder      Reason = "decoder"    // the decoder crashed on it, which is a bug of gorowatch
	ReasonSetAside     Reason = "set_aside"  // not asked: the decoder could not take its last profile
	ReasonOther        Reason = "other"
)

// Reasons lists all reasons, for counters that start at 0.
var Reasons = []Reason{
	ReasonRefused, ReasonTimeout, ReasonTLS, ReasonUnauthorized, ReasonNotFound, ReasonStatus,
	ReasonRedirect, ReasonNotProfile, ReasonTruncated, ReasonTooLarge, ReasonBadData,
	ReasonRateLimited, ReasonCanceled, ReasonNoTarget, ReasonGone, ReasonAmbiguous, ReasonNoConsent, ReasonBudget,
	ReasonSlow, ReasonBackOff, ReasonDecoder, ReasonSetAside, ReasonOther,
}

// Deferred reports whether the request was postponed to spare the target, which has not failed.
func (r Reason) Deferred() bool { return r == ReasonBudget || r == ReasonSlow }

// Undecodable reports whether the decoder could not take a profile. Another attempt with the
// same bytes would end the same way.
func (r Reason) Undecodable() bool { return r == ReasonTooLarge || r == ReasonDecoder }

// Error is a failure with its reason. Err has the text, with every URL redacted.
type Error struct {
	Reason Reason
	Err    error
	// RetryAfter is how long a pause the server asks for, 0 if it does not ask.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error.
func Errorf(r Reason, format string, args ...any) error {
	return &Error{Reason: r, Err: fmt.Errorf(format, args...)}
}

// ReasonOf returns the reason of an error of this package, and ReasonOther for any other.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ReasonOther
}
