// Package pulling pulls profiles from targets and bounds their cost. A Puller owns the budget
// of each target, how long one rests after it was slow or failed, and the result of the last
// pull of each. Pulls of one target wait for each other.
//
// A pull finds the address with a collector.TargetFinder and gets the profile from a
// collector.ProfileFetcher. The pages read the statuses.
//
// It never decides which profiles are worth their cost: internal/monitor/profiling does. It
// does not read the clock, except to measure how long a target takes to answer.
package pulling
