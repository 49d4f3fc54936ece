package lifecycle

// The times for which something must hold before it counts, in base blocks. Several decisions share
// a time on purpose: so there are fewer constants to choose.
const (
	// tenMinutes is how long
	//   - the growth of a suspicion has no shape yet (isYoung);
	//   - an alarm of the counts waits for the first profiles (Options.Patience);
	//   - a lower estimate of the count without the leak must last (watch.estimate);
	//   - a leak must be quiet at least before it resolves (hasEnded);
	//   - an instance must be known to be gone (instanceHasEnded): while Prometheus starts, its
	//     list of targets is incomplete for a minute or two.
	tenMinutes = 10
	// halfHour is how long
	//   - a suspicion stays open after its growth has stopped (closes);
	//   - a leak must show no growth at least before it plateaus (plateauPatience), and, as a
	//     number of evaluations, the mean of its floors reaches back (mark);
	//   - a replacement may start before the old instance ends, as in a rolling update
	//     (hasSuccessor).
	halfHour = 30
	// replacedAfter is how long an instance of unknown presence must be missing to count as
	// ended, if a younger one has taken its place.
	replacedAfter = 120
	// quarterDay is how long
	//   - a stack where healthy goroutines do not wait for long must grow to leak whatever the
	//     counts say (growsForLong);
	//   - a leak must be quiet at most before it resolves (hasEnded), and its largest extent is
	//     remembered (noteExtent): a rollout ends processes one after another within that;
	//   - an alarm is taken to be about a firing leak after that has grown (alarmIsExplained).
	quarterDay = 360
	// halfDay is how long an alarm that no stack explains does not fire although there are
	// profiles (profilePatience), and how long an inherited leak waits for the counts to grow
	// (pastLeak): as long as the trend waits after a restart.
	halfDay = 720
	// day is how long it takes to see every hour of the day. It is how long
	//   - any other stack must grow to leak whatever the counts say (growsForLong);
	//   - a leak must show no growth at most before it plateaus (plateauPatience), and falling
	//     counts must stay low (hasStopped);
	//   - a stack that grew as a pool does holds back an alarm without a stack
	//     (countsAreDoubtful);
	//   - an instance without samples keeps its leak open (instanceHasEnded).
	day = 1440
)
