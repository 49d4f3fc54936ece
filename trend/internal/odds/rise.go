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

// Expectation is what is known of a service before a rise is weighed: its own
// healthy rises, and where it is in the life of the process.
type Expectation struct {
	Days   float64 // that the service has been watched
	Swings []Habit // rises that fell back
	Starts []Habit // what its processes did after their start
	Seen   float64 // starts that were seen
	// Unfinished is how many of the starts seen were followed by growth up to the end
	// of the process.
	Unfinished float64
	// Refill is the size of the growth up to where the process before had levelled off,
	// relative to what this one had at its start; 0: not known.
	Refill float64
	// Fresh: the rise began with the process. Young: the process started within a
	// day.
	Fresh, Young bool
	// Age is for how many hours the process has run, Total how much it has gained
	// since its start, relative to what it had then.
	Age, Total float64
}
