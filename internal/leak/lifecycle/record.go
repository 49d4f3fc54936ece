package lifecycle

import (
	"time"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// record is an open leak, and the state that is needed to follow it to its end.
type record struct {
	leak leak.Leak
	// signatures are those of all stacks that were ever part of the leak.
	signatures map[string]bool
	// watched are the instances that leak, by name.
	watched map[string]*watch
	names   []string // of watched, in order; reused by each update
	// earliestOnset is the earliest estimate of the onset. The profiles since then are compared:
	// where a later estimate replaced it, the shape of the earlier growth would be lost.
	earliestOnset time.Time
	// grewAt is when the leak's stacks last grew in the profiles. growthSeenAt is when they did,
	// or when the counts of the service grew without an attribution.
	grewAt, growthSeenAt time.Time
	// profiledInstances are the instances in whose profiles the stacks are counted.
	profiledInstances []string
	// growsForLong reports that the stacks have at some time grown for longer than those of
	// healthy services do.
	growsForLong bool
	// filling reports that the stacks grow as those of a pool do, halved that their pace has more
	// than halved. doubt says why else they do not confirm a leak; empty: they do.
	filling, halved bool
	doubt           string
	// countsOdds and survivalOdds are the latest parts of the log-odds from the counts, and from
	// goroutines that stayed or left.
	countsOdds, survivalOdds float64
	// longestStay is the longest time for which all compared goroutines have stayed.
	longestStay time.Duration
	// leaving, atWork and passing are those of the latest Finding with a comparison.
	leaving, atWork, passing bool
	// work is how much work the instance of the head profile does, relative to the work before
	// the onset; NaN: unknown. hungAt is when it was last less than hanging.
	work   float64
	hungAt time.Time
	// suspected reports that the confidence is enough to show the leak as suspected.
	suspected bool
	// processes are the running processes of the watched instances.
	processes map[string]process
	// cleanSince is when the last instance became free of leaked goroutines; zero: one still
	// holds some.
	cleanSince time.Time
	// remaining is how many leaked goroutines are held by the instances that are not clean.
	remaining float64
	// hasRates reports that the rate of a restored leak was shared among its instances.
	hasRates bool
	// largestExtent is the largest recent extent of the leak.
	largestExtent extent
}

// watch is an instance that leaks.
type watch struct {
	started time.Time // when the leaking process started; zero: unknown
	clean   float64   // estimated goroutines without the leak; NaN: restored, +Inf: no estimate yet
	leaked  float64   // the most leaked goroutines that it has held
	// inherited means that clean is the estimate for the process before.
	inherited bool
	// lower is a lower estimate of clean, and lowerSince when it was first made. It becomes clean
	// once it has lasted.
	lower      float64
	lowerSince time.Time
	rate       trend.Interval // when it last grew
	share      trend.Interval // its share of the leak's rate
	created    float64        // goroutines that it creates per hour; 0: unknown
	profiled   bool           // rate is from the stacks, not from the counts
	// lowSince is when the count fell so far that half of the leaked goroutines must be gone;
	// zero: it has not.
	lowSince time.Time
	// seen is when the newest profile was taken, standing how many goroutines it has on the
	// leak's stacks, and mostStanding the most that a profile had.
	seen                   time.Time
	standing, mostStanding int64
	// missing is when the samples stopped, and gone when the instance became known to be gone;
	// zero: they have not, or it is not.
	missing, gone time.Time
	mark          mark
}
