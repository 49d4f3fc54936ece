package post

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
)

// Failure is why a request failed. The set is closed, because metrics use it as a
// label.
type Failure string

// The failures.
const (
	Timeout      Failure = "timeout"    // no answer in time
	Connection   Failure = "connection" // refused, reset, TLS, name not found
	Redirect     Failure = "redirect"   // 3xx that is not followed
	Unauthorized Failure = "unauthorized"
	Rejected     Failure = "rejected" // 400, 413, 422: because of the content
	Status4xx    Failure = "status_4xx"
	Status5xx    Failure = "status_5xx"
	Other        Failure = "other"
)

// Failures returns all failures.
func Failures() []Failure {
	return []Failure{Timeout, Connection, Redirect, Unauthorized, Rejected, Status4xx, Status5xx, Other}
}

// Error is the failure of a request.
type Error struct {
	failure Failure
	err     error
	// status is that of the answer; 0: there was none.
	status int
	// retryAfter is how long the receiver asks for a pause; 0: it does not ask.
	retryAfter time.Duration
}

func (e *Error) Error() string { return e.err.Error() }
func (e *Error) Unwrap() error { return e.err }

// NewError makes an Error from one that prevented a request.
func NewError(err error) *Error { return &Error{failure: Other, err: err} }

// FailureOf returns the failure of a request, Other for any other error.
func FailureOf(err error) Failure {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.failure
	}
	return Other
}

// RetryAfter returns how long a pause the receiver of a failed request asks for, 0 if it does
// not ask.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.retryAfter
	}
	return 0
}

// IsContentSuspect reports whether the content of a request may be why it failed, so
// that a request with other content may succeed. A receiver that is down, overloaded
// or behind a gateway that cannot reach it fails for every content.
func IsContentSuspect(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.status/100 == 5 && !fetch.IsUnavailable(e.status) || e.failure == Timeout)
}

// IsFinal reports whether trying again soon is useless. It is false for a receiver
// that is busy, which wants the same request again.
func IsFinal(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch e.status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	switch e.failure {
	case Rejected, Status4xx, Unauthorized, Redirect:
		return true
	}
	return false
}

// failureOfStatus returns the failure of an answer by its status. Only deliveries
// distinguish rejected content and the two sides that may be to blame.
func failureOfStatus(code int) Failure {
	switch reason := fetch.ReasonOfStatus(code); {
	case reason == collector.ReasonUnauthorized:
		return Unauthorized
	case reason == collector.ReasonRedirect:
		return Redirect
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge, code == http.StatusUnprocessableEntity:
		return Rejected
	case code/100 == 4:
		return Status4xx
	case code/100 == 5:
		return Status5xx
	}
	return Other
}

// connectionFailure returns the failure of a request that got no answer.
func connectionFailure(err error) Failure {
	var n net.Error
	switch {
	case collector.ReasonOf(err) == collector.ReasonRedirect:
		return Redirect
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &n) && n.Timeout():
		return Timeout
	default:
		return Connection
	}
}
