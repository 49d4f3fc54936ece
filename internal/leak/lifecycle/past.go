package lifecycle

import (
	"time"

	"github.com/gorowatch/gorowatch/internal/leak"
)

// past is what the counts of the time before the first Update said: a leak that
// was open, and goes on.
type pastLeak struct {
	onset  time.Time // zero: there was none
	deaths []leak.Death
	until  time.Time // when it is forgotten, unless the counts grow
}

// hideout is for how many base blocks a leak of the past may show no growth
// before what is found next is another one: as long as the trend waits after a
// restart.
const restartGrace = 720

// Inherit takes what another tracker of the service knows of its open leak,
// which has seen the counts of the time before alone. A leak that is found next
// began then; nothing fires because of it.
func (t *Tracker) Inherit(from *Tracker) {
	t.inherited = pastLeak{}
	for _, r := range from.open {
		if r.leak.State == leak.Firing && (t.inherited.onset.IsZero() || r.leak.Onset.Before(t.inherited.onset)) {
			t.inherited = pastLeak{r.leak.Onset, r.leak.Deaths, from.updatedAt.Add(restartGrace * t.options.Base)}
		}
	}
}

// inherit gives the first leak that is found what is known of the time before.
func (t *Tracker) applyInherited(now time.Time, grows bool) {
	switch {
	case t.inherited.onset.IsZero():
		return
	case now.After(t.inherited.until) || len(t.open) > 0 && t.open[0].leak.State != leak.Suspected:
		t.inherited = pastLeak{}
		return
	case grows:
		t.inherited.until = now.Add(restartGrace * t.options.Base)
	}
	if len(t.open) == 0 {
		return
	}
	// Later estimates of the onset are from longer blocks, or from all processes
	// together: the one of the alarm stays, as it does where the alarm was seen.
	l := &t.open[0].leak
	l.Onset = t.inherited.onset
	if len(l.Deaths) == 0 {
		l.Deaths = t.inherited.deaths
	}
}
