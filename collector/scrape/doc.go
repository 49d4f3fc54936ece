// Package scrape reads the series of static targets from their /metrics, for
// where there is no Prometheus: in the demo, or on a laptop. The latest samples
// of each target are kept in memory, bounded in number.
package scrape
