// Package demo shows in a minute what gorowatch does: it starts a small leaky service and its
// fixed twin in their own processes, watches both, and prints the alert.
package demo
