package trend

// The constants of the judgement. docs/detection.md has the meaning of each and
// what it costs to change it. Hours are 60 base blocks.
const (
	// likelyToo is the confidence from which an instance is part of a leak.
	likelyToo = 0.5
	// Growth must be so many standard errors clear of the noise to be looked at.
	likely = 4
	// A rise that is followed has at least swingLeast goroutines. It has ended when
	// swingBack of it is gone.
	swingLeast = 8
	swingBack  = 0.5
	// smallService is added to what ran before, since a few goroutines are much
	// beside none.
	smallService = 10
	// A process has warmed up when the last third of its time has brought less than
	// this share of its growth.
	warmUpEnds = 0.15
	// A rise began with the process if it did so within startHours, or within this
	// share of the process's age.
	startHours = 0.5
	startShare = 0.2
	// A process that has not grown for quietStart base blocks does not warm up.
	quietStart = 720
	// learnedHours is for how long after its start a process may do what earlier
	// ones did.
	learnedHours = 48
	// The start of a process was seen if its first sample came within so many blocks.
	startSeenBlocks = 10

	// While less than outageLoad of the work before gets done, for slackShare of
	// the blocks since the onset, something may hang.
	outageLoad = 0.7
	slackShare = 0.2
	// The share of the growth that must be beyond what the load explains.
	unexplained = 0.5
	// Healthy goroutines grow with the load to at most this power.
	elasticity = 1.1
	// For so many base blocks after a high load its connections may be held.
	lagBlocks = 360
	// historyHours of the past make a history.
	historyHours = 20
	// So many times the load that was exceeded for three quarters of the past,
	// or that was reached and left again, explains more goroutines. More, for
	// half a day, does not.
	mostLoad = 10
	backLoad = 3
	// slopeMargin is how much steeper than fitted the count may go with the
	// load beyond the loads seen.
	slopeMargin = 1.15
	loadShare   = 0.12 // of the growth that may be ascribed to the load, or not, by mistake

	// clearer is how many times as clear of the noise longer blocks must show a rise
	// to be preferred to shorter ones that see as much of it.
	clearer = 1.5
	// A rise of at most tailShare of what ran before is the tail of one that is
	// tailTimes as large.
	tailTimes = 5
	tailShare = 0.1

	// persistence is in how many evaluations in a row growth must be a leak, unless
	// doubt is so many times smaller than it may be.
	persistence = 2
	beyondDoubt = 5
	// Lives shorter than sameHourLength base blocks that grew at the same time of
	// the day, as far as the length of their mean direction tells, may have grown
	// with the day.
	sameHourLength = 1200
	sameHours      = 0.6
	sureOfLives    = 8    // standard errors of what lives have in common
	blockDrawdown  = 0.4  // of the growth may come back in between
	oneStep        = 0.45 // of the growth may come at once
	twoSteps       = 0.65
	threeSteps     = 0.8
	leastGrowth    = 8    // goroutines
	leastShare     = 0.05 // of what ran before
	noiseMultiple  = 3
	minSeen        = 10 // blocks, for a judgement
	minBlocks      = 10 // since the onset, for a bend
	minRise        = 6  // since the onset
)
