// Package answer reads the answers of Prometheus' HTTP API as they arrive: series, lists of
// targets, and warnings. It bounds the memory that an answer takes, whoever wrote it.
package answer
