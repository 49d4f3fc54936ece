// Package convert is the subcommand of that name: it reads a goroutine profile of any
// format, a pasted dump above all, and writes it as a protocol buffer that "go tool
// pprof" opens.
//
// It never fetches or reads by itself (internal/diff's Loader does), and it makes up
// nothing but what a protocol buffer has and a dump leaves out: the runtime's function
// that a channel operation waits in.
package convert
