package odds

// Explanation is a possible cause of growth. Weigh compares all of them.
type Explanation uint8

const (
	ByLeak    Explanation = iota
	ByNoise               // chance
	BySwing               // a rise that falls back: a job, clients that stay for a while
	ByFilling             // a pool or cache that fills: at a steady pace, or more slowly the fuller it is
	ByWarmUp              // what a process does after its start
	ByPileUp              // requests that wait for something that hangs
	ByDay                 // the daily cycle, of a service that was not watched for a day yet
	nExplanations
)
