// Package profiling takes profiles of the instances and bounds what that costs
// them. It owns which profiles a service needs and when (Planner), those that are
// in memory (Service), how far the proof of each leak has come, and the budget of
// each target (Puller): how long a target rests after it was slow or failed, and how
// the last pull of each went.
//
// The cycle says with a Need what it knows of a service, and receives a Plan. It
// runs the pulls of the plan beside the cycle, and hands their results back to the
// Service. A pull asks the Puller, which finds the address with a
// collector.TargetFinder and gets the profile from a collector.ProfileFetcher.
// Profiles go to the Archive; histories of them go to the attribution, findings to
// the leaks. The pages read the statuses.
//
// It never judges counts, attributes growth or changes a leak. It does not read the
// clock, except to measure how long a target takes to answer.
package profiling
