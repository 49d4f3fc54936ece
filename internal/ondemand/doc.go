// Package ondemand holds the value that describes profiles taken on request: a Capture,
// requested by an incoming alert such as "too many goroutines".
//
// It decides nothing and takes no profiles. internal/monitor makes captures, internal/archive
// stores them and internal/web shows them.
package ondemand
