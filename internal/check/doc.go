// Package check is the subcommand of that name, for CI: it takes a goroutine
// profile of a target, runs a command that puts load on it, lets the target
// settle, takes another profile, and fails with the stacks of the goroutines
// that stayed. It needs no Prometheus.
package check
