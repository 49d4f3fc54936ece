package lifecycle

import (
	"time"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// record is an open leak and the state needed to follow it to its end.
type record struct {
	leak leak.Leak
	// signatures are the signatures of all stacks that were ever part of the leak.
	signatures map[string]bool
	// watched are the instances that leak, by name.
	watched map[string]*watch
	names   []string // of watched, in order; used again at each update
	// grewAt is when the leak's stacks last grew in the profiles. growthSeenAt is
	// when they did, or when the counts of the service did without an attribution.
	grewAt, growthSeenAt time.Time
	// profiledInstances are the instances whose profiles the stacks are counted in.
	profiledInstances []string
	// growsForLong reports that the stacks have once grown for longer than healthy
	// stacks do.
	growsForLong bool
	// filling reports that the stacks grow as a pool does, halved that their pace has more
	// than halved. doubt says why they do not confirm the alarm of the counts in another
	// way; empty: they confirm it.
	filling, halved bool
	doubt           string
	// countsOdds is what the counts said of it last, in log-odds.
	countsOdds float64
	// survivalOdds is what it said last that its goroutines stayed, in log-odds.
	survivalOdds float64
	// longestStay is the longest time for which all goroutines that were compared
	// have stayed.
	longestStay time.Duration
	// leaving reports that the goroutines of the stack leave again.
	leaving bool
	// atWork reports that they stay and wake up now and then, passing that most of them
	// end and others come.
	atWork, passing bool
	// work is how much work the instance of the head profile does, relative to that
	// before the onset; NaN: it is not known. hungAt is when it was last clearly less.
	work   float64
	hungAt time.Time
	// suspected reports that the leak is shown although it does not fire.
	suspected bool
	// processes are the running processes of the watched instances.
	processes map[string]process
	// cleanSince is when the last instance became free of leaked goroutines; zero:
	// one still holds some.
	cleanSince time.Time
	// remaining is how many leaked goroutines the instances hold that are not
	// clean.
	remaining float64
	// hasRates reports that the rates of a restored leak were shared among its
	// instances.
	hasRates bool
	// largestExtent is the extent of the leak when it was on the most instances
	// recently.
	largestExtent extent
}

// watch is an instance that leaks.
type watch struct {
	started time.Time // of the process that leaks, zero if unknown
	clean   float64   // goroutines without the leak
	leaked  float64   // the most leaked goroutines that it held
	// inherited means that clean is an estimate from the process before.
	inherited bool
	// lower is a lower estimate of clean, and lowerSince when it was first made. It
	// becomes clean once it has lasted.
	lower      float64
	lowerSince time.Time
	rate       trend.Interval // when it last grew
	share      trend.Interval // its part of the leak's rate
	created    float64        // goroutines that it creates per hour, 0: not known
	profiled   bool           // rate is from the stacks, not from the counts
	// lowSince is when the count fell so far that half of the leaked goroutines
	// must be gone; zero: it has not.
	lowSince time.Time
	// seen is when the newest profile was taken, standing how many goroutines it
	// has on the leak's stacks, and mostStanding the most that a profile had.
	seen                   time.Time
	standing, mostStanding int64
	// missing is when the samples stopped, and gone when the instance became known
	// to be gone; zero: neither.
	missing, gone time.Time
	mark          mark
}
