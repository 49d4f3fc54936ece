package trend

import "github.com/gorowatch/gorowatch/trend/internal/stat"

// The constants of the judgement. docs/detection.md has the sensitivity of those that
// were varied. Hours are 60 base blocks.
const (
	// Growth must be so many standard errors clear of the noise to be looked at.
	likely = 4
	// A process has warmed up when the last third of its time has brought less than
	// this share of its growth.
	warmUpEnds = 0.15
	// A rise began with the process if it did so within so many hours.
	startHours = 0.5
	// The start of a process was seen if its first sample came within so many blocks.
	startSeenBlocks = 10

	// While less than outageLoad of the work before gets done, for slackShare of
	// the blocks since the onset, something may hang.
	outageLoad = 0.7
	slackShare = 0.2
	// The share of the growth that must be beyond what the load explains.
	unexplained = 0.5
	// For so many base blocks after a high load its connections may be held.
	lagBlocks = 360
	// historyHours of the past make a history.
	historyHours = 20
	// So many times the load that was exceeded for three quarters of the past
	// explains more goroutines. More, for half a day, does not.
	mostLoad  = 10
	loadShare = 0.12 // of the growth that may be ascribed to the load, or not, by mistake

	// clearer is how many times as clear of the noise longer blocks must show a rise
	// to be preferred to shorter ones that see as much of it.
	clearer = 1.5
	// A rise is the tail of one that is tailTimes as large.
	tailTimes = 5

	// persistence is in how many evaluations in a row growth must be a leak, unless
	// doubt is so many times smaller than it may be.
	persistence   = 2
	beyondDoubt   = 5
	blockDrawdown = 0.4  // of the growth may come back in between
	oneStep       = 0.45 // of the growth may come at once
	twoSteps      = 0.65
	threeSteps    = 0.8
	minSeen       = 10 // blocks, for a judgement
	minBlocks     = 10 // since the onset, for a bend
	minRise       = 6  // since the onset
)

// LeastGrowth returns the growth in goroutines below which a count at a level, in
// goroutines, is within the noise.
func LeastGrowth(level float64) float64 { return stat.LeastGrowth(level) }
