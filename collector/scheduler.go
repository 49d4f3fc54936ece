package collector

// Scheduler has the metrics of Go's scheduler for a service, summed over its instances. Missing
// values are Unknown.
type Scheduler struct {
	// Waiting, Runnable, Running and NotInGo are the goroutines in each state. Those that
	// are not in Go are in system calls or in C.
	Waiting, Runnable, Running, NotInGo float64
	// Created is how many goroutines are created per second.
	Created float64
}
