package v1

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/trend"
)

// Reasons are the possible explanations of growth, and the evidence for and against a leak.
type Reasons struct {
	// Explanations have probabilities that add up to 1, the likeliest first.
	Explanations []Explanation `json:"explanations"`
	// Parts add up to the log-odds of a leak.
	Parts []LogOdds `json:"parts"`
	// The growth: its length, and its size relative to what ran before.
	LengthSeconds float64 `json:"length_seconds"`
	Ratio         Number  `json:"ratio"`
	// Other is the likeliest healthy explanation, with the median length and size of such
	// growth. Learned means that this service has grown so before.
	Other              string  `json:"other"`
	OtherLengthSeconds float64 `json:"other_length_seconds,omitempty"`
	OtherRatio         Number  `json:"other_ratio,omitempty"`
	Learned            bool    `json:"learned"`
}

// Explanation is one of the things that make counts grow: a leak, or a gate.
type Explanation struct {
	Name        string `json:"name"`
	Probability Number `json:"probability"`
}

// LogOdds is what one consideration adds to the log-odds of a leak.
type LogOdds struct {
	Name    string `json:"name"`
	LogOdds Number `json:"log_odds"`
}

// NewReasons converts x for JSON.
func NewReasons(x *trend.Reasons) *Reasons {
	if x == nil {
		return nil
	}
	out := &Reasons{
		LengthSeconds: x.Length.Seconds(), Ratio: Number(x.Ratio),
		Other: x.Other, OtherLengthSeconds: x.OtherLength.Seconds(), OtherRatio: Number(x.OtherRatio), Learned: x.Learned,
	}
	for _, e := range x.Explanations {
		out.Explanations = append(out.Explanations, Explanation{e.Name, Number(e.Probability)})
	}
	for _, p := range x.Parts {
		out.Parts = append(out.Parts, LogOdds{p.Name, Number(p.LogOdds)})
	}
	return out
}

// Sum returns the log-odds of a leak.
func (r *Reasons) Sum() (sum float64) {
	for _, p := range r.Parts {
		sum += float64(p.LogOdds)
	}
	return sum
}

// NewAssessment converts an assessment for JSON.
func NewAssessment(x trend.Assessment) Assessment {
	return Assessment{
		Instance: x.Instance, ScaleSeconds: x.Scale.Seconds(), Blocks: x.Blocks, Status: x.Status, Gate: x.Gate, Decides: x.Decides,
		Why: NewReason(x).Text(), Help: NewReason(x).Help(), Confidence: x.Confidence, Z: Number(x.Z), GrowthPerHour: NewInterval(x.Rate), Grown: Number(x.Grown), Onset: Time(x.Onset),
		Reasons: NewReasons(x.Reasons),
	}
}

// Growth says how long and how far a count has grown.
func Growth(length time.Duration, ratio float64) string {
	return fmt.Sprintf("growing for %s, by %s of what ran before", human.Duration(length), times(ratio))
}

// times writes a size relative to another.
func times(ratio float64) string {
	if ratio < 2 {
		return human.Percent(ratio)
	}
	return human.Number(ratio) + " times"
}

// Likeliest names the explanations of some weight, each with its probability.
func Likeliest(x *trend.Reasons) string {
	const most, least = 4, 0.01
	var out []string
	for i, e := range x.Explanations {
		if i == most || i > 0 && e.Probability < least {
			break
		}
		// Rounding up to certainty would promise too much.
		out = append(out, fmt.Sprintf("%s %.0f %%", ExplanationText(e.Name), math.Min(99, math.Round(100*e.Probability))))
	}
	return strings.Join(out, ", ")
}

// AsBefore describes healthy growth of the likeliest kind; empty if that has no length.
func AsBefore(x *trend.Reasons) string {
	if x.OtherLength <= 0 {
		return ""
	}
	text := fmt.Sprintf("%s usually: %s, adding %s", ExplanationText(x.Other), human.Duration(x.OtherLength), times(x.OtherRatio))
	if x.Learned {
		text += ", as this service did before"
	}
	return text
}

// Sentence says why growth is or is not judged as a leak, with its numbers.
func Sentence(a trend.Assessment) string {
	x := a.Reasons
	if x == nil {
		return upperFirst(NewReason(a).Text()) + "."
	}
	text := upperFirst(Growth(x.Length, x.Ratio)) + ": " + Likeliest(x) + "."
	if before := AsBefore(x); before != "" && a.Status != trend.Leaking {
		text += " " + upperFirst(before) + "."
	}
	if more := longer(a.Wait); more != "" && a.Status != trend.Leaking {
		text += " Certain after at least " + more + " of the same growth."
	}
	return text
}

// ExplanationText describes an explanation in a few words.
func ExplanationText(name string) string {
	switch trend.Gate(name) {
	case "leak":
		return "a leak"
	case trend.GateUncertain:
		return "chance"
	case trend.GateTransient:
		return "a rise that comes back"
	case trend.GateSaturating:
		return "a pool or cache that fills"
	case trend.GateWarmingUp:
		return "a warm-up after the start"
	case trend.GatePileUp:
		return "requests that pile up"
	case trend.GateDailyCycle:
		return "the daily cycle"
	}
	return human.Line(strings.ReplaceAll(name, "_", " "), maxGate)
}

// LogOddsText lists parts that add up to log-odds.
func LogOddsText(sum float64, parts []LogOdds) string {
	var out []string
	for _, p := range parts {
		out = append(out, fmt.Sprintf("%s %s", human.Line(strings.ReplaceAll(p.Name, "_", " "), maxGate), signed(float64(p.LogOdds))))
	}
	return signed(sum) + " = " + strings.Join(out, ", ")
}

// signed writes a number with one decimal and its sign.
func signed(x float64) string {
	return strings.ReplaceAll(fmt.Sprintf("%+.1f", x), "-", "−")
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
