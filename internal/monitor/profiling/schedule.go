package profiling

import "time"

const (
	// These are the pauses after each of the first quickPulls profiles of a suspicion, as parts of
	// the suspicion interval. At its default of 2 minutes, the next profiles come 30 s, 1 min and
	// 2 min after the first.
	firstPause   = 0.25
	secondPause  = 0.25
	thirdPause   = 0.5
	quickPulls   = 3
	shortestWait = time.Second // between two profiles of an instance
	// frequentPulls is how many profiles are taken at the suspicion interval once a leak is
	// suspected, before the pause doubles each time. Otherwise it doubles from the start.
	frequentPulls = 5
	// staysPause is the longest pause, in suspicion intervals, once goroutines have stayed.
	staysPause = 4
)

// suspicion has the state of the pulls of an instance since its service began to grow.
type suspicion struct {
	next     time.Time // no pull before
	soonest  time.Time // no pull before, even if another suspicion begins
	pulls    int
	failures int // in a row
	// frequent is how many more profiles come before the pause doubles, slower how many came after.
	frequent, slower int
	suspected        bool
	// stays means that the goroutines have stayed for a long life. Then it takes no more than their
	// number to tell, so the pause does not get long.
	stays bool
}

// due reports whether to pull a profile now. When a leak becomes suspected, one is due at once, unless
// the first quickPulls are still coming.
func (x *suspicion) due(now time.Time, suspected bool) bool {
	if suspected && !x.suspected {
		x.frequent, x.slower = frequentPulls, 0
		if x.pulls > quickPulls {
			x.next = now
		}
	}
	x.suspected = suspected
	return !now.Before(x.next)
}

// planned records that a pull was planned. interval is the suspicion interval, longest the
// longest pause.
func (x *suspicion) planned(now time.Time, interval, longest time.Duration) {
	pause := interval
	switch {
	case x.failures > 0:
		pause = doubled(interval, x.failures, longest)
	case x.pulls < quickPulls:
		part := []float64{firstPause, secondPause, thirdPause}[x.pulls]
		pause = max(time.Duration(part*float64(interval)), min(shortestWait, interval))
	case x.frequent > 0:
		x.frequent--
	default:
		x.slower++
		if x.stays {
			longest = min(longest, staysPause*interval)
		}
		pause = doubled(interval, x.slower-1, longest)
	}
	x.pulls++
	x.next, x.soonest = now.Add(pause), now.Add(min(pause, interval))
}

// stay records that dumps have shown that the goroutines stay. A profile is due at once.
func (x *suspicion) stay(now time.Time) {
	x.next, x.stays = now, true
}

// end records that nothing grows any more. The next suspicion starts over, but not before the pause
// after the last profile is over.
func (x *suspicion) end() {
	if x.pulls == 0 { // next is that of a request, if any
		x.failures = 0
		return
	}
	*x = suspicion{next: x.soonest, soonest: x.soonest}
}

// doubled returns a pause that is doubled a number of times, up to longest; never a shorter one.
func doubled(pause time.Duration, times int, longest time.Duration) time.Duration {
	d := pause
	for range times {
		if d >= longest {
			break
		}
		d *= 2
	}
	return max(pause, min(d, longest))
}

// NextDue returns when the next profile of a suspicion or a proof is due after now; zero: none is,
// unless a running pull changes that.
func (p *Planner) NextDue(now time.Time, s *Service, n Need) (next time.Time) {
	if p.Source == nil {
		return next
	}
	sooner := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if n.Growing {
		for _, in := range s.suspects(n.Suspects) {
			if !in.pulling && !p.isPushed(now, in) {
				sooner(in.suspicion.next)
			}
		}
	}
	for _, pr := range s.proofs {
		if pr.pulling {
			continue
		}
		if !pr.dumps.Done {
			sooner(pr.dumps.Next)
		}
		if pr.leakProfile.impossible == "" {
			sooner(pr.leakProfile.next)
		}
	}
	return next
}
