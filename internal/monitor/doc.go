// Package monitor runs the cycle: read the samples up to a time, judge every service, move its leaks
// through their states, start the pulls that it needs, and pass the leaks on. internal/app calls
// Cycle at each evaluation and Follow in between; internal/scan calls Walk.
//
// It owns the order of these steps, and the lock between them and the pages. watch has the state of
// a service. Work in the background, such as a pull, never changes that state: it puts a typed result
// into the inbox, and the next cycle applies it. Start with cycle.go.
//
// It never reads the clock to judge: the time is a parameter, so that the daemon, a scan of history
// and the tests run the same code. It uses its sources and sinks only through interfaces.
package monitor
