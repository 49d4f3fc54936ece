package archive

import (
	"context"
	"time"

	"github.com/gorowatch/gorowatch/internal/triage"
	"github.com/gorowatch/gorowatch/leak"
)

const triagePrefix = "triage/"

func triageKey(leak string) string { return documentKey(triagePrefix, leak) }

// SaveTriage stores owner, note and expectation of a leak, whole or not at all.
func (a *Archive) SaveTriage(ctx context.Context, e triage.Entry) error {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	return a.count(opSaveTriage, a.saveDocument(ctx, triageKey(e.Leak), e))
}

// DeleteTriage deletes owner, note and expectation of a leak, if they exist.
func (a *Archive) DeleteTriage(ctx context.Context, leak string) error {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	return a.count(opDeleteTriage, a.delete(ctx, triageKey(leak)))
}

// Triage reads owners, notes and expectations of leaks, in no order. It moves unreadable
// documents to aside/ and logs them.
func (a *Archive) Triage(ctx context.Context) ([]triage.Entry, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	entries, err := a.triage(ctx)
	return entries, a.count(opLoadTriage, err)
}

func (a *Archive) triage(ctx context.Context) ([]triage.Entry, error) {
	return documents(ctx, a, triagePrefix, func(e triage.Entry) string { return e.Leak })
}

// sweepTriage deletes entries of deleted leaks that are older than a time and whose expectation
// has expired.
func (a *Archive) sweepTriage(ctx context.Context, now, before time.Time, leaks []leak.Leak) error {
	entries, err := a.triage(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, l := range leaks {
		known[l.ID] = true
	}
	for _, e := range entries {
		if !known[e.Leak] && !e.IsExpected(now) && e.UpdatedAt.Before(before) {
			if err := a.delete(ctx, triageKey(e.Leak)); err != nil {
				return err
			}
		}
	}
	return nil
}
