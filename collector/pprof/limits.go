package pprof

import "github.com/gorowatch/gorowatch/collector/pprof/bounds"

// Limits bound what one profile may cost. A zero field takes its default.
type Limits = bounds.Limits

// Budget is the memory that all decoders with it may use at the same time.
type Budget = bounds.Budget

// DefaultBudget is the size of a Budget, in bytes, that is enough for the largest profiles in
// practice.
const DefaultBudget = bounds.DefaultBudget

// NewBudget makes a Budget of a number of bytes.
func NewBudget(bytes int64) *Budget { return bounds.NewBudget(bytes) }
