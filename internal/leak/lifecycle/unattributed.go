package lifecycle

import (
	"time"

	"github.com/gorowatch/gorowatch/leak"
)

// suspectByCounts makes the suspicion that rests on the counts alone, while no leak is open and no
// stack is known. It is only shown: applyGrowth opens a leak once there is an alarm.
func (t *Tracker) suspectByCounts(now time.Time, e Evaluation) {
	before := t.unattributed
	t.unattributed = nil
	if !t.countsSuspected || len(t.open) > 0 {
		return
	}
	r := t.newRecord(now, e, "")
	r.leak.Evidence, r.leak.Missing = leak.Growth, e.Why
	if before != nil {
		r.leak.State, r.leak.Transitions = before.State, before.Transitions
	} else {
		move(&r.leak, now, leak.Suspected, "its counts grow")
	}
	r.measure(now, tenMinutes*t.options.Base, e, 1, nil)
	r.updateHoldings(now, e)
	r.leak.UpdatedAt = now
	t.weigh(r)
	t.unattributed = &r.leak
}
