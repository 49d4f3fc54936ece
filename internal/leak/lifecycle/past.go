package lifecycle

import (
	"time"

	"github.com/gorowatch/gorowatch/leak"
)

// pastLeak is a leak that the counts from before the first Update showed, and that may continue.
type pastLeak struct {
	onset  time.Time // zero: there was none
	deaths []leak.Death
	until  time.Time // when it is forgotten, unless the counts grow
}

// Inherit takes over the firing leak of another tracker of the service, which has seen only the
// counts of an earlier time. The next leak that is found gets the onset and the deaths of that one.
// Nothing fires because of it.
func (t *Tracker) Inherit(from *Tracker) {
	t.inherited = pastLeak{}
	for _, r := range from.open {
		if r.leak.State == leak.Firing && (t.inherited.onset.IsZero() || r.leak.Onset.Before(t.inherited.onset)) {
			t.inherited = pastLeak{r.leak.Onset, r.leak.Deaths, from.updatedAt.Add(halfDay * t.options.Base)}
		}
	}
}

// applyInherited gives the first leak that is found the onset and the deaths of the inherited one.
func (t *Tracker) applyInherited(now time.Time, grows bool) {
	switch {
	case t.inherited.onset.IsZero():
		return
	case now.After(t.inherited.until) || len(t.open) > 0 && t.open[0].leak.State != leak.Suspected:
		t.inherited = pastLeak{}
		return
	case grows:
		t.inherited.until = now.Add(halfDay * t.options.Base)
	}
	if len(t.open) == 0 {
		return
	}
	// The onset at which the past leak fired stays, as in measure: later estimates are from longer
	// blocks, or from all processes together.
	l := &t.open[0].leak
	l.Onset = t.inherited.onset
	if len(l.Deaths) == 0 {
		l.Deaths = t.inherited.deaths
	}
}
