package bounds

import "golang.org/x/sync/semaphore"

// DefaultBudget is the size of a Budget in bytes that takes the largest
// profiles that occur.
const DefaultBudget = 192 << 20

// How a budget is divided. A decoder that keeps little is free, so that a target
// that takes its time holds up nobody. A few may have a share each, and one of
// those half of the budget besides. The remaining quarter is for what is free,
// and for slices that grow, which exist twice for a moment.
const (
	freeParts     = 512 // what is free is 1/512 of the budget
	shareParts    = 32  // a share is 1/32 of it
	sharesAtATime = 8
	largeParts    = 2
)

// Budget is the memory that all decoders with it may use at the same time. One
// that needs more than is left waits. It waits for less than it will have then,
// so decoders never wait for one another in a circle.
type Budget struct {
	bytes  int64
	shares *semaphore.Weighted
	large  *semaphore.Weighted
}

// NewBudget makes a Budget of so many bytes.
func NewBudget(bytes int64) *Budget {
	return &Budget{bytes: bytes, shares: semaphore.NewWeighted(sharesAtATime), large: semaphore.NewWeighted(1)}
}
