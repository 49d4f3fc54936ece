// Package collector owns the data that gorowatch reads from what it watches:
// samples of the goroutine counts, targets, and goroutine profiles. It
// declares the types and what a source of series promises; its children
// fetch (promapi, tsdb, scrape, discovery, pprof).
//
// It never judges: whether a series leaks is decided in trend, what a profile
// means in internal/stack.
package collector
