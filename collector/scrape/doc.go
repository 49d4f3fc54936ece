// Package scrape reads the series of targets from their /metrics, without a Prometheus. It
// appends them to a Store: Memory, which is bounded, in the demo, or the embedded database of
// collector/tsdb.
package scrape
