// Package signals has the names under which services export the number of their goroutines,
// their load and the start of their process, the order in which they are tried for each
// instance, and the way from a counter to a load.
//
// All sources use it, so that they agree on the same data. It does no I/O.
package signals
