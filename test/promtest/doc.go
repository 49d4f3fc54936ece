// Package promtest is a Prometheus for tests: its database, and its range queries evaluated
// by its own engine.
package promtest
