// Package signals says under which names services export the number of their goroutines,
// their load and the start of their process, in which order the names are tried for each
// instance, and how a counter becomes a load.
//
// All sources ask it, so that they say the same of the same data. It does no I/O.
package signals
