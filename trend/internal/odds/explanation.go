package odds

// Explanation is something that makes the goroutines of a service grow. Each
// finding weighs them against one another, and the leak's share of the weight is
// the confidence.
type Explanation uint8

const (
	ByLeak    Explanation = iota
	ByNoise               // chance
	BySwing               // a rise that comes back: a job, clients that stay for a while
	ByFilling             // a pool or cache that fills, more slowly the fuller it is
	ByRamp                // a pool that fills at a steady pace up to its limit
	ByWarmUp              // what a process does after its start
	ByPileUp              // requests that wait for something that hangs
	ByDay                 // the daily cycle, of a service that was never seen for a day
	nExplanations
)
