package trend

import "github.com/gorowatch/gorowatch/trend/internal/odds"

// expect gathers what is known of the service apart from the shape of a rise. onset is the block
// of the view at which the rise began, and y are the floors at the present load.
func (j *judgement) expect(v *view, onset int, y []float64) (e odds.Expectation) {
	s := j.service
	base := float64(s.base)
	now := (float64(v.t0) + v.t[v.n-1] + 1) * j.mult * base
	const day = 1440
	e.Days = max(0, now-float64(s.first)) / base / day
	e.Swings = s.swings.Expect((e.Days + 1) * float64(max(1, len(s.instances))))
	if !j.src.startSeen(s.base) {
		return e
	}
	born := float64(j.src.born())
	e.Age = (now - born) / base / 60
	began := ((float64(v.t0)+v.t[onset])*j.mult*base - born) / base / 60
	e.Young = e.Age < 24
	e.Fresh = e.Young && began*60 < startBlocks
	e.Seen, e.Unfinished = s.starts.Seen(), s.starts.Unfinished()
	e.Starts = s.starts.Expect(e.Seen + 1)
	first := j.src.firstFloor()
	if former := j.src.former(); former > first+LeastGrowth(first) {
		e.Refill = (former - first) / (first + odds.SmallService)
	}
	e.Total = max(0, y[v.n-1]-first) / (first + odds.SmallService)
	return e
}

// gateOf returns the gate of a verdict that an explanation other than a leak holds back.
func gateOf(e odds.Explanation) Gate {
	switch e {
	case odds.ByNoise:
		return GateUncertain
	case odds.BySwing:
		return GateTransient
	case odds.ByFilling:
		return GateSaturating
	case odds.ByWarmUp:
		return GateWarmingUp
	case odds.ByPileUp:
		return GatePileUp
	case odds.ByDay:
		return GateDailyCycle
	}
	return GateNone
}
