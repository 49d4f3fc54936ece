// Package paste undoes what editors, logs and tools do to a dump: another encoding, the prefix
// that a logger puts before each line, JSON around each line or around the whole dump, HTML,
// and the list of goroutines of a debugger. It takes lines or a reader and returns the text of
// the dump.
//
// It does not know the format of a dump; collector/pprof/dump finds where one begins and
// decides what is around it.
package paste
