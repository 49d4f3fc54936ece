// Package pprofui serves github.com/google/pprof's views of the difference of two goroutine
// profiles: the flame graph, top and peek.
//
// The rest of pprof's web interface is left out, because it is made for a person at their own
// machine: its source and disassembly views read local files that a profile names, its graph
// runs a program, and saving a configuration writes to the disk. Profiles come parsed, within
// our own bounds; nothing is fetched, symbolized or saved.
package pprofui
