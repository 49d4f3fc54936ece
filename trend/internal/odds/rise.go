package odds

// Rise is growth as the counts of one scale show it.
type Rise struct {
	Hours float64 // since the onset
	Ratio float64 // goroutines gained, relative to what ran before
	Z     float64 // slope over its standard error
	Pace  Pace
	// Steady reports that as much work gets done as before the onset. It is false
	// where no load is known.
	Steady bool
}

// Expectation is what is known of a service besides the rise: its earlier healthy rises, and the
// age and growth of the process.
type Expectation struct {
	Days   float64 // for which the service has been watched
	Swings []Habit // rises that fell back
	Starts []Habit // what its processes did after their start
	Seen   float64 // number of starts that were seen
	// Unfinished is how many of these starts were followed by growth until the end of the
	// process.
	Unfinished float64
	// Refill is how much the process would gain by growing to where the earlier one had levelled
	// off, relative to what it had at its start; 0: unknown.
	Refill float64
	// Fresh reports that the rise began with the process, Young that the process started less
	// than a day ago.
	Fresh, Young bool
	// Age is how many hours the process has run, Total how much it has gained since its start
	// relative to what it had then. Both are set only if the start was seen.
	Age, Total float64
}
