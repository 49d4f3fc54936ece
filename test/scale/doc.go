// Package scale measures gorowatch on a fleet of ten thousand instances: what an
// evaluation, a back-fill and a series cost it, and beside it what Prometheus
// spends on the rule that people use. `make bench-scale` runs it.
package scale
