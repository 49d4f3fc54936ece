package lifecycle

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/trend"
)

// Options configure a Tracker.
type Options struct {
	// Base is the smallest block of the trend. All times that are counted in blocks
	// scale with it. Default 1 minute.
	Base time.Duration
	// Interval is the time between two Updates. After a pause of more than three intervals, what
	// happened in between counts as unknown. Default Base.
	Interval time.Duration
	// Patience is how long an alarm of the counts waits for the first profiles. Default 10 × Base.
	Patience time.Duration
	// MinConfidence is the confidence from which a leak fires, 0 to 1. Default 0.95.
	MinConfidence float64
	// SuspectConfidence is the confidence from which a leak is shown as suspected, up to
	// MinConfidence. Default 0.5.
	SuspectConfidence float64
	// Remember is how long a resolved leak is kept. A leak that returns within this time is
	// reopened. Default 24 hours; negative: for ever, and a leak that returns is a new one.
	Remember time.Duration
	// Ignore lists the rules for leaks that must not alert. The first rule that
	// matches applies.
	Ignore []IgnoreRule
}

// DefaultSuspectConfidence is the confidence from which a leak is suspected.
const DefaultSuspectConfidence = 0.5

// NewTracker makes a Tracker for a service that has no leaks.
func NewTracker(service labels.Labels, o Options) *Tracker {
	t := &Tracker{service: service}
	t.Apply(o)
	return t
}

// Apply replaces the options and keeps the leaks.
func (t *Tracker) Apply(o Options) {
	if o.Base <= 0 {
		o.Base = time.Minute
	}
	o.Interval = max(o.Interval, o.Base)
	if o.Patience <= 0 {
		o.Patience = tenMinutes * o.Base
	}
	if o.MinConfidence <= 0 || o.MinConfidence >= 1 {
		o.MinConfidence = trend.DefaultMinConfidence
	}
	if o.SuspectConfidence <= 0 || o.SuspectConfidence >= o.MinConfidence {
		o.SuspectConfidence = min(DefaultSuspectConfidence, o.MinConfidence)
	}
	if o.Remember == 0 {
		o.Remember = 24 * time.Hour
	}
	t.options = o
}
