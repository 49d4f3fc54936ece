// Package scrape reads the series of static targets from their /metrics, for
// where there is no Prometheus: in the demo, or on a laptop. The samples are
// kept in memory until they are read, bounded in number.
package scrape
