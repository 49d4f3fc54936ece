package leak

import "math"

// Part is one part of the sum behind a leak's confidence.
type Part struct {
	// Name says what the part is about: one of the Part constants.
	Name string `json:"name"`
	// LogOdds is what it adds to the logarithm of the odds that this is a leak; a negative
	// value is evidence against one.
	LogOdds float64 `json:"log_odds"`
}

// The parts of the sum.
const (
	PartCounts    = "counts"    // what the goroutine counts say by themselves
	PartOperation = "operation" // what the stack's goroutines are blocked in
	PartShape     = "shape"     // how the stack's own count grows
	PartDominance = "dominance" // how many goroutines it has beside all others
	PartLasting   = "lasting"   // for how long the stack has grown as nothing healthy does
	PartSurvival  = "survival"  // its goroutines are still there
	PartWakeUps   = "wake_ups"  // they are, and wake up now and then: they are at work
	PartProof     = "proof"     // the garbage collector cannot reach them
)

// Confidence returns the probability of a leak that the parts add up to, 0 to 1.
func Confidence(parts []Part) float64 {
	var sum float64
	for _, p := range parts {
		sum += p.LogOdds
	}
	return 1 / (1 + math.Exp(-sum))
}

// LogOdds returns the logarithm of the odds of a probability.
func LogOdds(probability float64) float64 { return math.Log(probability / (1 - probability)) }
