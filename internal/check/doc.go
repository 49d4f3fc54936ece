// Package check is the subcommand of that name, for CI. It takes goroutine profiles of a target
// at rest, runs a command that puts load on it, and takes profiles while the target settles. It
// fails with the stacks of the goroutines that are in all of these and were not there before,
// or at once if the garbage collector of the target proves them. It compares existing profiles
// in the same way. It needs no Prometheus.
package check
