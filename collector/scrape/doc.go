// Package scrape reads the series of targets from their /metrics, for where
// there is no Prometheus. What it has read goes to a Store: Memory, bounded in
// number, in the demo, or the embedded database of collector/tsdb.
package scrape
