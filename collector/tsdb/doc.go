// Package tsdb stores and reads series in Prometheus' database on disk. Open reads the data
// directory of a Prometheus, running or not, or a folder of blocks. OpenStore has its own data
// directory, for what gorowatch scrapes without a Prometheus.
//
// Open only reads. A replay of the write-ahead log writes to a temporary folder that Close
// removes.
package tsdb
