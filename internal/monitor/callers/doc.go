// Package callers finds out which of the user's functions call a library whose goroutines leak. If the
// goroutine profiles do not show it, it plans heap profiles of the target: a constructor that returns
// at once is on no goroutine's stack, but its allocations are in the heap profile, with its callers.
//
// internal/monitor asks for the due Pulls at each evaluation, runs them in the background, and passes
// the findings to the leaks. No heap profile is stored.
package callers
