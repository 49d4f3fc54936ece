// Package stack says what the stacks of a goroutine profile are: which are
// the same over instances, restarts, releases and formats (the signature),
// what they wait for (the operation), where the eye should go (the key
// frame), and how their numbers changed from one profile to another.
//
// It is pure: profiles come in parsed (collector/pprof) and nothing is read,
// logged or kept.
package stack
