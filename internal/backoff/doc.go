// Package backoff computes how long to wait before a failed operation is tried again: twice as
// long after each failure in a row, up to a bound, and spread so that many clients that fail
// together do not return together.
//
// It never decides whether to try again, and it keeps no state. The caller (alerting, the
// Prometheus client, a scan, the pulling of profiles) counts the failures. Some callers sleep
// for the returned time, others store when a target may be asked again.
//
// github.com/cenkalti/backoff has a policy that remembers the last wait. The callers keep the
// number of failures anyway, for each alert and for each target, and a wait that follows from
// that number needs no second state and no reset.
package backoff
