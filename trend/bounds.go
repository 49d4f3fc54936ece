package trend

// The bounds of the judgement. They are few, each stands for a reason, and
// none was fitted finely: the conditions are meant to carry one another, not
// any of them a third digit. docs/detection.md tells what each costs. Hours
// are 60 base blocks.
const (
	// Growth is suspicious from four standard errors on. For an alarm it
	// must be beyond doubt: what is left are other explanations than chance.
	likely = 4
	sure   = 10
	// Growth relative to what the service ran before times its duration in
	// hours. Large growth is believed soon, small growth when it lasts.
	areaNeeded = 0.5
	// No alarm before leastHours on the counts alone, soonHours if the growth is
	// huge, or outageHours while an outage could be the cause, unless the
	// service runs away.
	leastHours  = 0.5
	soonHours   = 0.2
	outageHours = 3.0
	runaway     = 50
	outageLoad  = 0.7 // of the load before
	slackShare  = 0.2 // of the blocks since the onset
	// huge is a growth, relative to what the service ran before, that is told of
	// soon and not asked for more evidence of its shape.
	huge = 3
	// The share of the growth that must be beyond what the load explains.
	unexplained = 0.5
	// Healthy goroutines grow with the load to at most this power.
	elasticity = 1.1
	// For so many base blocks after a high load its connections may be held.
	lagBlocks = 360
	// A service that became busier by this factor while it grew, and has no
	// day of history to tell what that means, is watched for so many hours,
	// unless the growth is huge beside what the load explains.
	busier       = 1.15
	patientHours = 5
	// historyHours of the past make a history.
	historyHours = 20
	// So many times the load that was exceeded for three quarters of the past,
	// or that was reached and left again, explains more goroutines. More, for
	// half a day, does not.
	mostLoad = 10
	backLoad = 3
	// Growth by this factor is more than a morning, without a load to tell.
	beyondMorning = 8
	// slopeMargin is how much steeper than fitted the count may go with the
	// load beyond the loads seen.
	slopeMargin = 1.15
	// A pool that fills up is taken to end below so many times of what the
	// service ran before, after the start of the process (caches, warm-up)
	// below a few more, or to take less than slowestPool hours by its time
	// constant. Growth that may be such a filling is provisional.
	poolSize        = 5
	loadShare       = 0.12 // of the growth that may be ascribed to the load, or not, by mistake
	poolSizeAtStart = 8
	slowestPool     = 60
	curvatureSure   = 1.3 // standard errors
	// Where stacks are there to find the leaks, the counts can wait longer.
	curvatureWithStacks = 1.5
	persistence         = 2    // evaluations in a row
	sureOfLives         = 8    // standard errors of what lives have in common
	blockDrawdown       = 0.4  // of the growth may come back in between
	oneStep             = 0.45 // of the growth may come at once
	twoSteps            = 0.65
	threeSteps          = 0.8
	leastGrowth         = 8    // goroutines
	leastShare          = 0.05 // of what ran before
	noiseMultiple       = 3
	minSeen             = 10  // blocks, for a judgement
	minBlocks           = 10  // since the onset
	decelerationStop    = 0.5 // slope of the second half to that of the first
)
