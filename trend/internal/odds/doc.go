// Package odds weighs what may explain a rise of a goroutine count: a leak, or one of the things
// that healthy services do. Package trend calls Weigh for the confidence, Until for how long that
// takes to be enough, and Explain for the reasons. Habits and Track learn what one service does.
//
// Each explanation has a weight: how often it begins, times how likely the pace, length and shape
// of the rise are if it is true. The leak's share of all weights is the confidence. Start with
// weigh.go; docs/detection.md has the formulas. The package is pure, as trend is.
package odds
