// Package tsdb keeps and reads series in Prometheus' database on disk. Open reads
// the data directory of a Prometheus, running or not, or a folder of blocks.
// OpenStore has a data directory of its own, for what gorowatch scrapes where
// there is no Prometheus.
//
// Open only reads. What a replay of the write-ahead log has to write goes to a
// temporary folder that Close removes.
package tsdb
