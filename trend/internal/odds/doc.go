// Package odds weighs what may be behind a rise of a goroutine count: a leak, or
// one of the things that healthy services do. Its doors are Weigh and Until; Habits
// learns what one service does.
//
// Each explanation has a weight: how often it begins, times how likely its pace,
// length and shape are. The leak's share of all weights is the confidence.
// docs/detection.md has the formulas. It is pure, as trend is.
package odds
