package trend

// expectation is what is known of a service before a rise is weighed: its own
// healthy rises, and where it is in the life of the process.
type expectation struct {
	days   float64 // that the service has been watched
	swings []habit // rises that it has come back from
	starts []habit // what its processes did after their start
	seen   float64 // starts that were seen
	// fresh: the rise began with the process. young: the process started within a
	// day.
	fresh, young bool
	// age is for how many hours the process has run, total how much it has gained
	// since its start, relative to what it had then.
	age, total float64
}

// expect gathers what is known before a rise that began at a block of a view. y
// are the floors at the present load.
func (j *judgement) expect(v *view, onset int, y []float64) (e expectation) {
	s := j.service
	base := float64(s.base)
	now := (float64(v.t0) + v.t[v.n-1] + 1) * j.mult * base
	const day = 1440
	e.days = max(0, now-float64(s.first)) / base / day
	e.swings = s.swings.expect((e.days + 1) * float64(max(1, len(s.instances))))
	if !j.src.startSeen(s.base) {
		return e
	}
	born := float64(j.src.born())
	e.age = (now - born) / base / 60
	began := ((float64(v.t0)+v.t[onset])*j.mult*base - born) / base / 60
	e.young = e.age < 24
	e.fresh = e.young && began < max(startHours, startShare*e.age)
	if s.starts != nil {
		e.seen = float64(s.starts.n)
	}
	if e.age < learnedHours {
		e.starts = s.starts.expect(e.seen + 1)
	}
	first := j.src.firstFloor()
	e.total = max(0, y[v.n-1]-first) / (first + smallService)
	return e
}
