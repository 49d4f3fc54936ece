package bounds

import "golang.org/x/sync/semaphore"

// DefaultBudget is the size of a Budget, in bytes, that is enough for the largest profiles in
// practice.
const DefaultBudget = 192 << 20

// The parts of a budget. A decoder that keeps little needs none, so a slow target does not
// block others. A few decoders may have a share each, and one of those half of the budget
// besides. The remaining quarter is for decoders without a share, and for slices that grow,
// which exist twice for a moment.
const (
	freeParts     = 512 // without a share, a decoder may use 1/512 of the budget
	shareParts    = 32  // a share is 1/32 of it
	sharesAtATime = 8
	largeParts    = 2
)

// Budget is the memory that all decoders with it may use at the same time. One that needs more
// than is left waits. A decoder only waits for a larger part than it has, so decoders never
// wait for one another in a circle.
type Budget struct {
	bytes  int64
	shares *semaphore.Weighted
	large  *semaphore.Weighted
}

// NewBudget makes a Budget of a number of bytes.
func NewBudget(bytes int64) *Budget {
	return &Budget{bytes: bytes, shares: semaphore.NewWeighted(sharesAtATime), large: semaphore.NewWeighted(1)}
}
