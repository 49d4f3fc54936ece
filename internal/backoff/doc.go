// Package backoff owns how long to wait before something that failed is tried
// again: twice as long after each failure in a row, up to a bound, and spread so
// that many who fail together do not return together.
//
// It never decides whether to try again, and it keeps no state. The count of
// failures comes from the caller (alerting, the Prometheus client, a scan, the
// pulling of profiles), and the wait goes back to it: some sleep for that long,
// others note the time until which a target is left alone.
//
// That is why it is not github.com/cenkalti/backoff, whose policy is an object
// that remembers the last wait. The callers keep the number of failures anyway,
// for each alert and for each target, and a wait that follows from that number
// needs neither a second memory beside it nor a reset.
package backoff
