// Package check is the subcommand of that name, for CI: it takes goroutine
// profiles of a target at rest, runs a command that puts load on it, takes
// profiles while the target settles, and fails with the stacks of the goroutines
// that are in all of these and were not there before. It needs no Prometheus.
package check
