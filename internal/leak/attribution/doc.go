// Package attribution finds the stacks to which the growth of a service belongs, and how much of the
// growth they explain.
//
// Attribute compares the profiles of each growing process, in time order, with the load at each
// profile and the growth of the counts. internal/monitor/profiling collects these Histories,
// internal/monitor/watch calls Attribute, and internal/leak/lifecycle turns the Attributions into
// leaks. Start with attribute.go; series.go decides whether the counts of one stack grow.
//
// The package never decides whether a leak fires. It reads no clock and keeps no state.
package attribution
