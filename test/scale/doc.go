// Package scale measures gorowatch on a fleet of ten thousand instances: the cost of an
// evaluation, a back-fill and a series, compared with what Prometheus spends on a common rule.
// `make bench-scale` runs it.
package scale
