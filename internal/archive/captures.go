package archive

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/ondemand"
)

const capturesPrefix = "captures/"

func captureKey(id string) string { return documentKey(capturesPrefix, id) }

// SaveCapture writes the profiles of a request, whole or not at all.
func (a *Archive) SaveCapture(ctx context.Context, c ondemand.Capture) error {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	return a.count(opSaveCapture, a.saveDocument(ctx, captureKey(c.ID), c))
}

// Captures reads all captures, oldest first. It moves unreadable documents to aside/ and logs
// them. With an error it returns those that it could read.
func (a *Archive) Captures(ctx context.Context) ([]ondemand.Capture, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	captures, err := a.captures(ctx)
	return captures, a.count(opLoadCaptures, err)
}

func (a *Archive) captures(ctx context.Context) ([]ondemand.Capture, error) {
	captures, err := documents(ctx, a, capturesPrefix, func(c ondemand.Capture) string { return c.ID })
	slices.SortFunc(captures, func(x, y ondemand.Capture) int { return cmp.Compare(x.ID, y.ID) })
	return captures, err
}

// sweepCaptures deletes captures older than a time and keeps only the newest of the others,
// which it returns.
func (a *Archive) sweepCaptures(ctx context.Context, before time.Time) ([]ondemand.Capture, error) {
	captures, err := a.captures(ctx)
	if err != nil {
		return nil, err
	}
	old := max(0, len(captures)-ondemand.MaxCaptures)
	for old < len(captures) && captures[old].At.Before(before) {
		old++
	}
	for _, c := range captures[:old] {
		if err := a.delete(ctx, captureKey(c.ID)); err != nil {
			return nil, err
		}
	}
	return captures[old:], nil
}
