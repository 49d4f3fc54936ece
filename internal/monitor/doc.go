// Package monitor runs the cycle: read the samples up to T, judge every
// service, pull profiles of the suspicious and now and then a baseline of the
// others, attribute growth to stacks, move leaks through their states, and
// hand them out.
//
// It never reads the clock: T comes in, so that the daemon, a scan of history
// and the tests run the same code. It knows its sources and sinks by the
// interfaces in this package alone.
package monitor
