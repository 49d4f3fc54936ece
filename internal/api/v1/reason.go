package v1

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/trend"
)

// maxGate bounds an unknown gate in a sentence, in characters.
const maxGate = 120

// Reason is a verdict, the gate that kept it from being stronger, and what it
// would take to pass that gate.
type Reason struct {
	Status trend.Status
	Gate   trend.Gate
	// Confidence is the probability that it is a leak, 0 to 1.
	Confidence float64
	// Wait is how much longer the growth has to last; zero if that is not known.
	Wait time.Duration
}

// NewReason returns the reason of an assessment.
func NewReason(a trend.Assessment) Reason {
	return Reason{Status: a.Status, Gate: a.Gate, Confidence: a.Confidence, Wait: a.Wait}
}

// Help returns the page of the documentation that explains the verdict, such as
// verdicts/follows_load.
func (r Reason) Help() string { return "verdicts/" + cmp.Or(string(r.Gate), string(r.Status)) }

// Text returns the sentence for people: what the verdict means, and what would change it.
func (r Reason) Text() string {
	switch r.Status {
	case trend.Leaking:
		return "it grows and does not come back"
	case trend.Plateaued:
		return "it no longer grows, but the leaked goroutines are still there"
	case trend.Suspicious, trend.Provisional:
		return r.grows()
	}
	switch r.Gate {
	case trend.GateNone:
		return "it does nothing that healthy services do not do"
	case trend.GateTooLittle:
		return "there are too few samples yet" + needs(r.Wait)
	case trend.GateTooSmall:
		return "the growth is within the noise, below 8 goroutines, or below 5 % of the count"
	case trend.GateNoTrend:
		return "the floor does not rise"
	case trend.GateFollowsLoad:
		return "the count follows the load"
	case trend.GateOneStep:
		return "it rose in one step, or in two or three"
	case trend.GateCameBack:
		return "it rose and came back"
	}
	return human.Line(r.Gate.Text(), maxGate)
}

// grows says why growth is not reported as a leak yet.
func (r Reason) grows() string {
	switch r.Gate {
	case trend.GateTooShort:
		if r.Wait <= 0 {
			return "growing, but since before the time that was judged; longer blocks of samples decide"
		}
		return "growing, but not for long enough to be sure" + needs(r.Wait)
	case trend.GateUncertain:
		return "growing, but not clearly enough beyond the noise" + r.sure()
	case trend.GateTransient:
		return "growing, but rises of this size and length usually come back" + r.sure() + needs(r.Wait)
	case trend.GateWarmingUp:
		return "growing since its start, as a process that warms up" + r.sure() + needs(r.Wait)
	case trend.GatePileUp:
		return "growing fast, as requests pile up that wait for something slow" + r.sure() + needs(r.Wait)
	case trend.GateDailyCycle:
		return "growing, but the service has not been watched for a whole day yet" + r.sure() + needs(r.Wait)
	case trend.GateFollowsLoad:
		return "growing, but the load or the time of day explains at least half of it"
	case trend.GateCameBack:
		return "it leaked, and the goroutines are gone; it is watched for 12 h in case they return"
	case trend.GateSaturating:
		return "growing, but perhaps only until a pool or cache is full" + r.sure() + needs(r.Wait)
	case trend.GateNone:
		return "growing, but not by enough to be sure from the counts alone"
	}
	return "growing, but not by enough to be sure: " + human.Line(r.Gate.Text(), maxGate)
}

// sure says how likely a leak is. It is empty if that is unknown.
func (r Reason) sure() string {
	if r.Confidence <= 0 {
		return ""
	}
	return fmt.Sprintf("; %.0f %% sure of a leak", math.Floor(100*r.Confidence))
}

// needs says how much more time the verdict takes at least. It is empty if that is unknown.
func needs(wait time.Duration) string {
	if more := longer(wait); more != "" {
		return " (needs at least " + more + ")"
	}
	return ""
}

// longer writes additional time in words, empty if there is none.
func longer(wait time.Duration) string {
	n, unit := wait.Round(time.Second).Seconds(), "second"
	for _, u := range []struct {
		seconds float64
		unit    string
	}{{60, "minute"}, {3600, "hour"}, {86400, "day"}} {
		if wait.Seconds() >= 2*u.seconds {
			n, unit = math.Round(wait.Seconds()/u.seconds), u.unit
		}
	}
	if n <= 0 {
		return ""
	}
	return human.Plural(int64(n), "more "+unit, "more "+unit+"s")
}
