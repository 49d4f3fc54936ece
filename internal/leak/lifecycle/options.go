package lifecycle

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/leak"
)

// Options of a Tracker.
type Options struct {
	// Base is the smallest block of the trend; the times below scale with it.
	// Default 1 minute.
	Base time.Duration
	// Interval is the time between two Updates. After a longer pause nothing is
	// known of the time between. Default Base.
	Interval time.Duration
	// Patience is how long an alarm on the counts alone waits for the first
	// profiles. Default 10 × Base.
	Patience time.Duration
	// Remember is how long a resolved leak is kept, unless it comes back
	// before: then it is reopened. Default 24 hours; negative: for ever, and what
	// comes back is another one.
	Remember time.Duration
	// Ignore are the leaks that nobody is to be told of; the first rule that
	// matches counts.
	Ignore []leak.Ignore
}

// NewTracker makes a Tracker of a service without leaks.
func NewTracker(service labels.Labels, o Options) *Tracker {
	t := &Tracker{service: service}
	t.Apply(o)
	return t
}

// Apply replaces the options; the leaks stay.
func (t *Tracker) Apply(o Options) {
	if o.Base <= 0 {
		o.Base = time.Minute
	}
	o.Interval = max(o.Interval, o.Base)
	if o.Patience <= 0 {
		o.Patience = 10 * o.Base
	}
	if o.Remember == 0 {
		o.Remember = 24 * time.Hour
	}
	t.options = o
}
