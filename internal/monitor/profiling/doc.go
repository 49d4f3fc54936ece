// Package profiling decides which profiles of the instances are taken, and when. A Planner decides, and
// a Service has the state of one service: its profiles in memory, when the next ones are due, and the
// progress of the proof of each leak.
//
// internal/monitor describes a service with a Need, and gets a Plan. It runs the pulls of the plan in
// the background, and passes their results to the Service. A pull asks a Source, which bounds its cost:
// internal/monitor/pulling has it. Profiles go to the Archive, their histories to the attribution, and
// findings to the leaks. Start with Planner.Plan in planner.go.
//
// It never judges counts, attributes growth or changes a leak. It does not read the clock.
package profiling
