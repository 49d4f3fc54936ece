// Package reading reads the samples of each evaluation. Its Cursor decides what to read next: after a
// start the history in pieces, after an outage what is missing, and otherwise what is new since the
// last evaluation. Its Reader reads that, and keeps the result for pages and metrics.
//
// internal/monitor asks for the window of an evaluation, feeds it to the services, and reports how
// many samples there were. The size of the next piece follows from that.
//
// It keeps no samples and does not read the clock: times are parameters.
package reading
