// Package convert is the subcommand of that name: it reads a goroutine profile of any format,
// usually a pasted dump, and writes it as a protocol buffer that "go tool pprof" opens.
//
// It never fetches or reads by itself (internal/diff's Loader does). It adds only one thing
// that a protocol buffer has and a dump leaves out: the runtime's function that a channel
// operation waits in.
package convert
