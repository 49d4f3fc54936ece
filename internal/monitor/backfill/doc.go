// Package backfill decides which samples are read next. It owns how far reading has
// come (Cursor): after a start it goes through the history in pieces, after an outage
// through what is missing, and otherwise one evaluation at a time.
//
// The cycle asks it for the next piece, reads that from the source, and reports how
// many samples there were. The size of the next piece follows from that. The lag and
// the progress go to the metrics and the pages.
//
// It reads no samples and no clock: times come in.
package backfill
