// Package lifecycle moves the leaks of one service through their states: a
// suspicion opens, fires when the evidence is strong enough, plateaus, resolves,
// and reopens when it comes back. Its one door is the Tracker.
//
// Evidence and time are passed in by internal/monitor; the leaks that the
// Tracker returns go to the archive, the alerts and the pages. It never reads
// the clock, collects nothing, and never changes a leak that it has returned.
package lifecycle
