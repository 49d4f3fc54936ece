// Package procstart owns one value: when a process began, and whether two such times are of the
// same process. The collector, the trend and everything above them compare starts, and neither
// of the two may import the other, so the value is in a package below both. It imports no other
// package of the project, does no I/O and never reads the clock.
package procstart
