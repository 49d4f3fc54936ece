// Package tsdb reads the series of watched instances from Prometheus TSDB
// blocks on disk: the data directory of a Prometheus, running or not, or a
// folder of blocks.
//
// It only reads. What a replay of the write-ahead log has to write goes to a
// temporary folder that Close removes.
package tsdb
