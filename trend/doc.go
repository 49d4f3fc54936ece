// Package trend judges whether the goroutine counts of a service grow in a way
// that healthy services do not. It is fed samples instance by instance and
// answers with a Verdict: the rate, the onset, what has leaked, or which gate
// said no.
//
// It is pure: no I/O, no clock, no logs. Time comes in with the samples and
// with Judge. State per series is bounded.
package trend
