package trend

import (
	"strings"
	"time"
)

// Sample is one scrape of one instance.
type Sample struct {
	T     int64   // Unix milliseconds
	Count float64 // goroutines
	Load  float64 // rate of work, in any unit that stays the same; NaN: unknown
	Start float64 // start of the process, Unix seconds; NaN or ≤ 0: unknown
	// Creates reports that Load is how many goroutines are created a second.
	Creates bool
}

// Status is how suspicious a service is.
type Status string

// The statuses. The first four are in order of suspicion.
const (
	// Quiet: the counts do nothing that those of healthy services do not do.
	Quiet Status = "quiet"
	// Suspicious: the counts grow, but not enough to alert on the counts alone.
	// Profiles are worth their cost.
	Suspicious Status = "suspicious"
	// Provisional: the counts grow as a leak does, but also as something healthy does, such as
	// a pool that fills over hours. Only stacks or more time can tell.
	Provisional Status = "provisional"
	// Leaking: the counts alone are enough to alert.
	Leaking Status = "leaking"
	// Plateaued: a leak has stopped growing, and its goroutines stay.
	Plateaued Status = "plateaued"
)

// Grows reports whether the counts grow, surely or possibly.
func (s Status) Grows() bool { return s == Suspicious || s == Provisional || s == Leaking }

// Gate is the condition that kept a service from a higher Status.
type Gate string

// The gates. Programs read these identifiers; Text has the words for people.
const (
	GateNone        Gate = ""
	GateTooLittle   Gate = "insufficient_evidence" // too few samples
	GateTooShort    Gate = "too_short"             // it has not grown for long enough to be sure
	GateUncertain   Gate = "uncertain"             // it may be chance
	GateTooSmall    Gate = "below_noise"           // the growth is within the noise, or a few goroutines
	GateNoTrend     Gate = "no_trend"              // no growth is clear of the noise
	GateFollowsLoad Gate = "follows_load"          // the load explains the growth
	GateOneStep     Gate = "single_step"           // it came in one step, or in a few
	GateCameBack    Gate = "reverted"              // much of it fell back
	GateSaturating  Gate = "saturating"            // it may be a pool that fills
	GateTransient   Gate = "transient"             // it may fall back, as a job's goroutines do
	GateWarmingUp   Gate = "warming_up"            // it may be what processes do after their start
	GatePileUp      Gate = "pile_up"               // it may be requests that wait
	GateDailyCycle  Gate = "daily_cycle"           // it may be a daily rise, in the first day watched
)

// Text returns the gate in a few words, for tables that people read.
func (g Gate) Text() string {
	switch g {
	case GateTooLittle:
		return "too little yet"
	case GateTooSmall:
		return "too small"
	case GateOneStep:
		return "one step"
	case GateCameBack:
		return "came back"
	}
	return strings.ReplaceAll(string(g), "_", " ")
}

// Interval is an estimate with its 95 % confidence interval.
type Interval struct {
	Value, Low, High float64
}

// Times scales an interval by a factor of at least 0.
func (i Interval) Times(x float64) Interval { return Interval{x * i.Value, x * i.Low, x * i.High} }

// Plus adds two estimates whose errors are the same, so their low and high ends add up.
func (i Interval) Plus(o Interval) Interval {
	return Interval{i.Value + o.Value, i.Low + o.Low, i.High + o.High}
}

// Verdict is the judgement of one service at one time.
type Verdict struct {
	Status Status
	// Gate is what kept the status from being higher. For a Quiet service it answers "why is
	// this not a leak?".
	Gate Gate
	// Instances are those that grow, the fastest first.
	Instances []InstanceTrend
	// Rate is the growth in goroutines per hour, summed over Instances.
	Rate Interval
	// Onset is when the growth began, zero if Quiet.
	Onset time.Time
	// Leaked is how many of the present goroutines came with the growth.
	Leaked float64
	// Scale is the length of the blocks that decided, such as 15 minutes.
	Scale time.Duration
	// Confidence is the probability, 0 to 1, that the growth is a leak; 0 if Quiet.
	Confidence float64
	// Z is the growth over its standard error on that scale; 0 if Quiet.
	Z float64
	// Wait estimates how much longer it takes until Gate may open, if the growth goes on; zero:
	// unknown, or more time would not help.
	Wait time.Duration

	floor float64 // sum over all instances
}

// InstanceTrend is the growth of one instance.
type InstanceTrend struct {
	Instance string
	Rate     Interval // goroutines per hour
	Onset    time.Time
	Leaked   float64
	Count    float64 // latest
	Floor    float64 // minimum of the latest block
	// Created is how many goroutines it has created per hour since the onset; 0: unknown.
	Created float64

	scale      time.Duration // length of the blocks that decided
	confidence float64
}
