// Package scan finds the leaks of the past. It reads history window by window and lets
// internal/monitor walk through it, so that it reports what the daemon would have alerted, and
// when.
package scan
