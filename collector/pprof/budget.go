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

// sharesOfBudget is how many decoders run at the same time, each with
// 1/partsOfBudget of the budget. One of them may have half of it besides. The
// remaining quarter is for slices that grow, which exist twice for a moment.
const (
	sharesOfBudget = 8
	partsOfBudget  = 32
)

// Budget is the memory that all decoders with it may use at the same time. Each
// has a small share, which almost every profile fits in. A decoder that needs
// more waits until it is the only one that does, so that decoders never wait
// for one another in a circle.
type Budget struct {
	shares      *semaphore.Weighted
	large       *semaphore.Weighted
	share, most int64 // of a decoder, in bytes
}

// NewBudget makes a Budget of so many bytes.
func NewBudget(bytes int64) *Budget {
	return &Budget{
		shares: semaphore.NewWeighted(sharesOfBudget),
		large:  semaphore.NewWeighted(1),
		share:  bytes / partsOfBudget,
		most:   bytes / 2,
	}
}

// account counts the memory that one decoder uses, by estimate. A nil account
// counts nothing.
type account struct {
	ctx        context.Context
	budget     *Budget // may be nil
	used, most int64
	large      bool // it has the large part of the budget
	failed     error
}

// account waits for a decoder's share of the budget.
func (l Limits) account(ctx context.Context) (*account, error) {
	a := &account{ctx: ctx, budget: l.Budget, most: l.Memory}
	if a.budget == nil {
		return a, nil
	}
	a.most = min(a.most, a.budget.most)
	return a, a.wait(a.budget.shares)
}

func (a *account) wait(s *semaphore.Weighted) error {
	if s.TryAcquire(1) {
		return nil
	}
	if err := s.Acquire(a.ctx, 1); err != nil {
		return collector.Errorf(collector.ReasonBudget, "not decoded in time: other profiles use the memory for decoding: %w", err)
	}
	return nil
}

// close gives back what the account has of the budget.
func (a *account) close() {
	if a.budget == nil {
		return
	}
	if a.large {
		a.budget.large.Release(1)
	}
	a.budget.shares.Release(1)
}

// charge adds bytes that the decoder keeps. It may wait for other decoders.
// Callers need not look at the error: check returns it, too.
func (a *account) charge(bytes int) error {
	if a == nil || a.failed != nil {
		return a.check()
	}
	a.used += int64(bytes)
	if a.used > a.most {
		a.failed = collector.Errorf(collector.ReasonTooLarge, "it takes more than %d bytes of memory to decode", a.most)
	} else if a.budget != nil && !a.large && a.used > a.budget.share {
		a.failed = a.wait(a.budget.large)
		a.large = a.failed == nil
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
