// Package profiling takes profiles of the instances and bounds what that costs
// them. It owns the budget of each target, how long a target rests after it was
// slow or failed, and how the last pull of each went.
//
// The monitor asks for a profile and names the instance. A
// collector.TargetFinder finds its address, a collector.ProfileFetcher gets the
// profile, and the monitor receives it. The pages read the statuses.
//
// It never decides which instances are profiled, and it does not judge what a
// profile shows.
package profiling
