// Package pulling pulls profiles from targets and bounds their cost. A Puller has the budget of each
// target, how long it is left alone after it was slow or failed, and the result of its last pull. Pulls
// of one target wait for each other.
//
// A pull finds the address with a collector.TargetFinder, and gets the profile from a
// collector.ProfileFetcher. The pages read the statuses. Start with Puller.pull in puller.go.
//
// It never decides which profiles are worth their cost: internal/monitor/profiling does. It does not
// read the clock, except to measure how long a target takes to answer.
package pulling
