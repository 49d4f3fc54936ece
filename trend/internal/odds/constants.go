package odds

// The constants of the weights.
const (
	// noiseLooks and noiseTail make the weight of chance: it falls with the square
	// of z, more slowly than a normal distribution, since counts are not normal.
	noiseLooks = 0.02
	noiseTail  = 14

	// leaksPerDay is how many leaks begin on a service a day, leaksPerStart how
	// many with the start of a process.
	leaksPerDay   = 0.03
	leaksPerStart = 0.05
	// unfinishedSays is how many starts one process counts for that grew up to its
	// end, as one that leaks does.
	unfinishedSays = 0.1
	// paceDensity is the density of the logarithm of a leak's pace: eleven e-folds,
	// all alike.
	paceDensity = 0.09
	// paceWanders is how much the pace of healthy growth changes from part to part,
	// relative to the whole. unsteady is the share of the other rises whose pace
	// does so too. LeastPace is how well the pace of a part can be known.
	paceWanders = 0.6
	unsteady    = 0.2
	LeastPace   = 0.1

	// curved is how many of what fills do so with the logarithm of the time, for each
	// one that does not.
	curved = 0.3

	// Rises that are alike differ by less in the logarithms of length and size.
	alike = 0.45
	// swingDays is for how many days a service without rises that come back keeps
	// the general expectation of them.
	swingDays = 4
	// SmallService is added to what ran before, since a few goroutines are much
	// beside none.
	SmallService = 10
	// pileUpSteady is how much rarer pile-ups are while work goes on as before.
	pileUpSteady = 0.15
)

// What healthy services do. A habit's numbers are: how often a day, or a start,
// it begins; its length in hours and the spread of that; its size relative to
// what ran before, and the spread of that.
var (
	swing      = Habit{0.01, 1.5, 1.2, 1, 1.2}
	filling    = Habit{0.004, 4, 1.3, 1, 1.1}
	ramp       = Habit{0.003, 5, 1.3, 1, 1.2}
	warmUp     = Habit{0.5, 1, 1.1, 0.8, 1.1}
	pileUp     = Habit{0.02, 1, 0.8, 5, 2}
	refill     = Habit{0.3, 4, 1.5, 0, 0.3} // up to what the process before had
	dailyCycle = Habit{0.2, 9, 0.35, 2, 1.1}
)
