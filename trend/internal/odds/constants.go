package odds

// The constants of the weights.
const (
	// The weight of chance is noiseLooks·exp(−z²/noiseTail). It falls more slowly than a normal
	// distribution, because counts are not normal.
	noiseLooks = 0.02
	noiseTail  = 14

	// leaksPerDay is how many leaks begin on a service per day, leaksPerStart how many per start
	// of a process.
	leaksPerDay   = 0.03
	leaksPerStart = 0.05
	// unfinishedSays is the weight of one start in learning leaksPerStart for a service: the
	// process counts as a leak if it grew until its end.
	unfinishedSays = 0.1
	// swingDays is how many days of watching halve the expectation of rises that fall back, as
	// services in general have them.
	swingDays = 4
	// curved is how many pools and caches grow with the logarithm of time, for each one that
	// does not.
	curved = 0.3
	// paceDensity is the density of the logarithm of a leak's pace: it is the same over eleven
	// e-folds.
	paceDensity = 0.09
	// paceWanders is how much the pace of healthy growth varies from part to part, relative to
	// the whole. unsteady is the share of rises with another shape whose pace varies as much.
	// LeastPace is the smallest standard error that the pace of a part can have.
	paceWanders = 0.6
	unsteady    = 0.2
	LeastPace   = 0.1

	// alike is how far the logarithms of two rises' lengths, and sizes, may be apart if the two
	// count as the same habit.
	alike = 0.45
	// SmallService is added to the goroutines that ran before, so that a few more are not many
	// times as many as almost none.
	SmallService = 10
	// pileUpSteady is how many times as often requests pile up while work goes on as before.
	pileUpSteady = 0.15
)

// spread and wide are how much the lengths and sizes of healthy rises of one kind vary: the standard
// deviations of their logarithms.
const spread, wide = 1.3, 1.1

// What healthy services do. The numbers of a Habit are how often it begins per day, or per start;
// its length in hours, and the spread of that; its size relative to what ran before, and the spread
// of that.
var (
	swing      = Habit{0.01, 1.5, spread, 1, wide}
	filling    = Habit{0.004, 4, spread, 1, wide}
	warmUp     = Habit{0.5, 1, spread, 0.8, wide}
	pileUp     = Habit{0.02, 1, 0.8, 5, 2}
	dailyCycle = Habit{0.2, 9, 0.35, 2, wide}
)
