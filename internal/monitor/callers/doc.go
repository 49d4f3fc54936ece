// Package callers finds out which of the user's functions call a library whose goroutines leak.
// If the goroutine profiles do not show it, it plans a heap profile of the target: a
// constructor that returns at once is on no goroutine's stack, but its allocations are in the
// heap profile, with its callers.
//
// It stores no profile: only the calls go into the leak.
package callers
