package lifecycle

import (
	"time"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// record is an open leak and what it takes to see its end.
type record struct {
	leak leak.Leak
	// signatures are those of all stacks that were ever part of it.
	signatures map[string]bool
	// watched are the instances that leak.
	watched map[string]*watch
	// grown is when its stacks last grew in the profiles, moved when it, or all
	// that is known of it, did.
	grewAt, growthSeenAt time.Time
	// profiled are the instances whose profiles the stacks are counted in.
	profiledInstances []string
	// lasts: its stacks have grown for long as nothing healthy does.
	growsForLong bool
	// filling: they do what a pool does; doubt is why else they do not bear out
	// what the counts say, empty: they do.
	filling bool
	doubt   string
	// survived is for how long all goroutines that were looked at have stayed.
	longestStay time.Duration
	// alive are the processes of the watched instances.
	processes map[string]process
	// cleanSince is since when none of them holds leaked goroutines; zero
	// while one does.
	cleanSince time.Time
	// remaining is what those instances hold that are not rid of what had leaked.
	remaining float64
	// hasRates: the rates of its instances are known.
	hasRates bool
	// largest is its extent when it was on the most instances of late.
	largestExtent extent
}

// watch is an instance that leaks.
type watch struct {
	started time.Time // of the process that leaks, zero if unknown
	clean   float64   // goroutines without the leak
	leaked  float64   // the most that it had of them
	// lower is what clean would be now, and since when it has been as low.
	lower      float64
	lowerSince time.Time
	rate       trend.Interval // when it was last seen to grow
	share      trend.Interval // its part of the leak's rate
	profiled   bool           // rate is that of the stacks
	// lowSince is since when the count is as low as without half of what had
	// leaked; zero while it is not.
	lowSince time.Time
	// stand is how many goroutines the newest profile, taken at seen, has on the
	// leak's stacks; stood is the most that one had.
	seen                   time.Time
	standing, mostStanding int64
	// missing is since when it has no samples, gone since when it is known to be
	// gone; zero: it has, it is not.
	missing, gone time.Time
	mark          mark
}
