// Package monitor runs the cycle: read the samples up to T, judge every service,
// start the pulls that the services need, attribute growth to stacks, move leaks
// through their states, and hand them out.
//
// It owns the order of these steps, the lock between them and the pages, and what
// joins the rooms of a service: its instances (fleet), its profiles (profiling), and
// the judgement (trend, attribution, lifecycle). Work beside the cycle, such as a
// pull, never changes anything: it puts a typed result into the inbox, and the next
// cycle applies it.
//
// It never reads the clock: T comes in, so that the daemon, a scan of history and
// the tests run the same code. It knows its sources and sinks by interfaces alone.
package monitor
