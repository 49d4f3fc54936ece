package trend

import (
	"cmp"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/trend/internal/odds"
)

// Reasons are what may explain growth, and what speaks for and against a leak.
type Reasons struct {
	// Explanations are listed with the likeliest first. Their probabilities add up to 1.
	Explanations []Explanation
	// Parts add up to the log-odds of a leak. All but "rest" compare it with Other.
	Parts []Part
	// Length is that of the growth, and Ratio its size relative to what ran before.
	Length time.Duration
	Ratio  float64
	// Other is the likeliest healthy explanation. The median growth of that kind lasts for
	// OtherLength and reaches OtherRatio; zero: it has no such median. Learned reports that
	// this service has grown in that way before.
	Other       string
	OtherLength time.Duration
	OtherRatio  float64
	Learned     bool
}

// Explanation is one possible cause of growth.
type Explanation struct {
	Name        string // "leak", or the Gate of a verdict that it holds back
	Probability float64
}

// Part is what one consideration adds to the log-odds of a leak.
type Part struct {
	Name    string // "frequency", "length_and_size", "shape" or "rest"
	LogOdds float64
}

// reasons judges a scale once more for its reasons; nil: a gate decided without weighing.
func (s *Service) reasons(src source, k int) *Reasons {
	f := s.judgeScale(src, k)
	if !f.weighed {
		return nil
	}
	x := odds.Explain(f.rise, &f.known)
	hours := func(h float64) time.Duration { return s.blocks(60 * h).Round(time.Second) }
	out := &Reasons{
		Length: hours(f.rise.Hours), Ratio: f.rise.Ratio, Other: string(gateOf(x.Other)),
		OtherLength: hours(x.Habit.Hours), OtherRatio: x.Habit.Ratio, Learned: x.Learned,
		Parts: []Part{{"frequency", x.Often}, {"length_and_size", x.Extent}, {"shape", x.Shape}, {"rest", x.Rest}},
	}
	for e, share := range x.Shares {
		name := cmp.Or(string(gateOf(odds.Explanation(e))), "leak")
		i := slices.IndexFunc(out.Explanations, func(y Explanation) bool { return y.Name == name })
		if i < 0 {
			i, out.Explanations = len(out.Explanations), append(out.Explanations, Explanation{Name: name})
		}
		out.Explanations[i].Probability += share
	}
	slices.SortStableFunc(out.Explanations, func(a, b Explanation) int { return cmp.Compare(b.Probability, a.Probability) })
	return out
}
