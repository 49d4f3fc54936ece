package pprof

import (
	"context"
	"reflect"

	"golang.org/x/sync/semaphore"

	"github.com/gorowatch/gorowatch/collector"
)

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

// account counts the memory that one decoder uses, by estimate. A nil account
// counts nothing.
type account struct {
	ctx        context.Context
	budget     *Budget // may be nil
	used, most int64
	share      bool // it has a share of the budget
	large      bool // it has the large part
	failed     error
}

// account begins the account of a decoder, which lasts as long as ctx.
func (l Limits) account(ctx context.Context) *account {
	a := &account{ctx: ctx, budget: l.Budget, most: l.Memory}
	if a.budget != nil {
		a.most = min(a.most, a.budget.bytes/largeParts)
	}
	return a
}

// acquire waits for a part of the budget.
func (a *account) acquire(part *semaphore.Weighted, has *bool) error {
	if !part.TryAcquire(1) {
		if err := part.Acquire(a.ctx, 1); err != nil {
			return collector.Errorf(collector.ReasonBudget, "not decoded in time: other profiles use the memory for decoding: %w", err)
		}
	}
	*has = true
	return nil
}

// close gives back what the account has of the budget.
func (a *account) close() {
	if a.large {
		a.budget.large.Release(1)
	}
	if a.share {
		a.budget.shares.Release(1)
	}
	a.share, a.large = false, false
}

// charge adds bytes that the decoder keeps. It may wait for other decoders.
// Callers need not look at the error: check returns it, too.
func (a *account) charge(bytes int) error {
	if a == nil || a.failed != nil {
		return a.check()
	}
	a.used += int64(bytes)
	b := a.budget
	if a.used > a.most {
		a.failed = collector.Errorf(collector.ReasonTooLarge, "it takes more than %d bytes of memory to decode", a.most)
	}
	if a.failed == nil && b != nil && !a.share && a.used > b.bytes/freeParts {
		a.failed = a.acquire(b.shares, &a.share)
	}
	if a.failed == nil && b != nil && !a.large && a.used > b.bytes/shareParts {
		a.failed = a.acquire(b.large, &a.large)
	}
	return a.failed
}

// check tells whether decoding may go on: an earlier charge has not failed, and
// there is time left.
func (a *account) check() error {
	switch {
	case a == nil:
		return nil
	case a.failed != nil:
		return a.failed
	}
	return a.ctx.Err()
}

// push appends to a slice and charges for its growth.
func push[T any](a *account, s *[]T, v T) error {
	before := cap(*s)
	*s = append(*s, v)
	if cap(*s) == before {
		return nil
	}
	return a.charge((cap(*s) - before) * int(reflect.TypeFor[T]().Size()))
}
