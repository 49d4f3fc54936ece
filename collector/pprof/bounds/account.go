package bounds

import (
	"context"
	"reflect"

	"github.com/gorowatch/gorowatch/collector"
	"golang.org/x/sync/semaphore"
)

// Account counts the estimated memory that one decoder uses. A nil Account counts nothing.
type Account struct {
	ctx        context.Context
	budget     *Budget // may be nil
	used, most int64
	share      bool // it has a share of the budget
	large      bool // it has the large part
	failed     error
}

// Account opens the account of a decoder, which lasts as long as ctx.
func (l Limits) Account(ctx context.Context) *Account {
	a := &Account{ctx: ctx, budget: l.Budget, most: l.Memory}
	if a.budget != nil {
		a.most = min(a.most, a.budget.bytes/largeParts)
	}
	return a
}

// acquire waits for a part of the budget.
func (a *Account) acquire(part *semaphore.Weighted, has *bool) error {
	if !part.TryAcquire(1) {
		if err := part.Acquire(a.ctx, 1); err != nil {
			return collector.Errorf(collector.ReasonBudget, "not decoded in time: other profiles use the memory for decoding: %w", err)
		}
	}
	*has = true
	return nil
}

// Close returns the account's parts of the budget.
func (a *Account) Close() {
	if a.large {
		a.budget.large.Release(1)
	}
	if a.share {
		a.budget.shares.Release(1)
	}
	a.share, a.large = false, false
}

// Charge adds bytes that the decoder keeps. It may wait for other decoders. Callers may ignore
// the error, because Check returns it too.
func (a *Account) Charge(bytes int) error {
	if a == nil || a.failed != nil {
		return a.Check()
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

// Check returns an error if decoding must stop: an earlier charge has failed, or time is up.
func (a *Account) Check() error {
	switch {
	case a == nil:
		return nil
	case a.failed != nil:
		return a.failed
	}
	return a.ctx.Err()
}

// Push appends to a slice and charges for its growth.
func Push[T any](a *Account, s *[]T, v T) error {
	before := cap(*s)
	*s = append(*s, v)
	if cap(*s) == before {
		return nil
	}
	return a.Charge((cap(*s) - before) * int(reflect.TypeFor[T]().Size()))
}
