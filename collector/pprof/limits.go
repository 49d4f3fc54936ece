package pprof

import "github.com/gorowatch/gorowatch/collector/pprof/bounds"

// Limits bound what one profile may cost. A zero field takes its default.
type Limits = bounds.Limits

// Budget is the memory that all decoders with it may use at the same time.
type Budget = bounds.Budget

// DefaultBudget is the size of a Budget in bytes that takes the largest profiles that
// occur.
const DefaultBudget = bounds.DefaultBudget

// NewBudget makes a Budget of so many bytes.
func NewBudget(bytes int64) *Budget { return bounds.NewBudget(bytes) }
