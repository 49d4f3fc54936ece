// Package check is the subcommand of that name, for CI: it takes goroutine
// profiles of a target at rest, runs a command that puts load on it, takes
// profiles while the target settles, and fails with the stacks of the goroutines
// that are in all of these and were not there before; at once if the garbage collector
// of the target proves them. It compares profiles that exist already in the same way. It
// needs no Prometheus.
package check
