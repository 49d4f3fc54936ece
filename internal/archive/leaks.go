package archive

import (
	"context"
	"slices"

	"github.com/gorowatch/gorowatch/leak"
)

func leakKey(id string) string { return documentKey(leaksPrefix, id) }

// SaveLeak writes a leak, whole or not at all.
func (a *Archive) SaveLeak(ctx context.Context, l leak.Leak) error {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	return a.count(opSaveLeak, a.saveDocument(ctx, leakKey(l.ID), l))
}

// Leaks reads all leaks. It moves unreadable documents to aside/ and logs them. With an error
// it returns the leaks that it could read.
func (a *Archive) Leaks(ctx context.Context) ([]leak.Leak, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	leaks, err := a.leaks(ctx)
	return leaks, a.count(opLoadLeaks, err)
}

func (a *Archive) leaks(ctx context.Context) ([]leak.Leak, error) {
	leaks, err := documents(ctx, a, leaksPrefix, func(l leak.Leak) string { return l.ID })
	slices.SortFunc(leaks, leak.ByDetection)
	return leaks, err
}
