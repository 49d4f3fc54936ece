// Package profiling decides which profiles of the instances are taken. It owns which profiles a
// service needs and when (Planner), those that are in memory (Service), and the progress of the
// proof of each leak.
//
// The cycle describes a service with a Need, and receives a Plan. It runs the pulls of the plan
// in the background, and passes their results to the Service. A pull asks a Source, which
// bounds its cost: internal/monitor/pulling has it. Profiles go to the Archive; their histories
// go to the attribution, findings to the leaks.
//
// It never judges counts, attributes growth or changes a leak. It does not read the clock.
package profiling
