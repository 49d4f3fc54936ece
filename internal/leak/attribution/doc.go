// Package attribution finds the stacks that the growth of a service belongs to, and how much of
// the growth they explain. Attribute is its entry.
//
// It reads the profiles of each growing process, in time order, together with the load at each
// profile and the growth of the counts. internal/monitor collects these, and
// internal/leak/lifecycle turns the attributions into leaks. It never decides whether a leak
// fires, reads no clock and keeps no state.
package attribution
