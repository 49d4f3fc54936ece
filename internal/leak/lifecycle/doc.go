// Package lifecycle moves the leaks of one service through their states: a suspicion opens, fires
// when the evidence is strong enough, plateaus, resolves, and reopens when it comes back. Each
// service has a Tracker.
//
// internal/monitor/watch passes it an Evaluation at each evaluation: the verdict on the counts and
// the attribution of the growth to stacks. Findings of dumps and other profiles arrive in between,
// as Observations. The leaks that the Tracker returns go to the archive, the alerts and the pages.
//
// Start with Tracker.Update in tracker.go, which has the order of the steps. confidence.go and
// promote.go decide what fires, plateau.go, gone.go and resolve.go what ends; record.go has the
// state of a leak. An alarm of the counts, or just an alarm, is a verdict Leaking: the counts alone
// are enough to alert unless the profiles speak against it.
//
// The package never reads the clock, collects nothing, and never changes a leak that it returned.
package lifecycle
