// Package leak holds the values that describe a leak: the [Leak] itself, its
// evidence, its growing stacks, the profiles that show them and its transitions.
//
// It decides nothing and does no I/O. The monitor makes the values; the archive,
// the alerts and the pages read them. A program of your own can make them too, and
// give them to package alerting.
package leak
