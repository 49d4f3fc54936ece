// Package monitor runs the cycle: read the samples up to T, judge every service, start the
// pulls that the services need, attribute growth to stacks, move leaks through their states,
// and pass them on.
//
// It owns the order of these steps, the lock between them and the pages, and the parts of a
// service: its instances (fleet), its profiles (profiling), and the judgement (trend,
// attribution, lifecycle). Work beside the cycle, such as a pull, never changes anything: it
// puts a typed result into the inbox, and the next cycle applies it.
//
// It never reads the clock: T is a parameter, so that the daemon, a scan of history and the
// tests run the same code. It uses its sources and sinks only by interfaces.
package monitor
