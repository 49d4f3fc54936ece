// Package client sends queries to a Prometheus: again where it had no time for one, and later
// where it has asked for that. It hands out the answers as they arrive.
package client
