// Package reading reads the samples of each evaluation. It owns how far reading has come: after
// a start it goes through the history in pieces, after an outage through what is missing, and
// otherwise one evaluation at a time (Cursor). It also owns the result of the last reading,
// which pages and metrics show (Reader).
//
// The cycle asks for the window of an evaluation, feeds it to the services, and reports how
// many samples there were. The size of the next piece follows from that.
//
// It keeps no samples and does not read the clock: times are parameters.
package reading
