package trend

import "github.com/gorowatch/gorowatch/trend/internal/stat"

// The constants of the judgement. docs/detection.md has the sensitivity of those that were
// varied. An hour is 60 base blocks.
const (
	// likely is how many standard errors growth must be above zero to be considered at all.
	likely = 4
	// warmUpEnds is the share of a process's growth that the last third of its time brings at
	// most once it has warmed up.
	warmUpEnds = 0.15
	// startBlocks is how many base blocks belong to the start of a process: a first sample
	// within them has seen the start, and a rise that begins within them begins with it.
	startBlocks = 30

	// Something may hang if less than outageLoad of the earlier work gets done in most of the
	// blocks since the onset.
	outageLoad = 0.7
	// unexplained is the share of the growth that the load must not explain.
	unexplained = 0.5
	// lagBlocks is how many base blocks after a high load its connections may still be open.
	lagBlocks = 360
	// historyHours is how many hours of the past it takes to say what load means.
	historyHours = 20
	// mostLoad bounds the load that may explain growth, as a multiple of the load that was
	// exceeded for three quarters of the past.
	mostLoad = 10

	// tailTimes is how many times larger an earlier rise is for a later one to be its tail.
	tailTimes = 5

	// persistence is how many evaluations in a row must call growth a leak. One is enough if
	// the doubt is beyondDoubt times smaller than it may be.
	persistence = 2
	beyondDoubt = 5

	blockDrawdown = 0.4  // of the growth may fall back in between
	oneStep       = 0.45 // of the growth may come in its largest step
	twoSteps      = 0.65 // in its two largest
	threeSteps    = 0.8  // in its three largest
	enough        = 8    // blocks, to judge at all, and to see a rise since its onset
)

// LeastGrowth returns the growth, in goroutines, below which a change of a count at the given
// level counts as noise.
func LeastGrowth(level float64) float64 { return stat.LeastGrowth(level) }
