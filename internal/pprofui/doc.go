// Package pprofui serves the views of github.com/google/pprof of the difference
// of two goroutine profiles: the flame graph, top and peek.
//
// The rest of pprof's web interface is left out, because it is made for a
// person at their own machine: its source and disassembly views read local
// files that a profile names, its graph runs a program, saving a configuration
// writes to the disk. A profile is handed over parsed, within our own bounds;
// nothing is fetched, symbolized or saved.
package pprofui
