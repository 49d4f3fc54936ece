// Package leak turns the growth of a service and the stacks in its profiles
// into leaks: it attributes the growth to stacks, climbs the ladder of
// evidence, and moves each leak through its states.
//
// It is pure: time is passed in, profiles and verdicts come from the caller
// (internal/monitor), and what it returns goes to the archive, the alerts and
// the pages.
package leak
