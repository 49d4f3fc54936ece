// Package promapi reads the series of all watched instances from the HTTP API of a Prometheus,
// or of anything with the same API: Thanos, Mimir, VictoriaMetrics.
//
// Three range queries make a window: the goroutine counts, the load and the start times of the
// processes, joined by their labels. A window is read whole or not at all. Answers are bounded
// in time and bytes, and cleaned: values that are not finite, samples out of order and
// duplicate series are dropped and counted.
package promapi
