package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/internal/leak"
)

// readers is how many documents are read at a time.
const readers = 8

func leakKey(id string) string { return leaksPrefix + segment(id, maxSegment-len(".json")) + ".json" }

// SaveLeak writes a leak, whole or not at all.
func (a *Archive) SaveLeak(ctx context.Context, l leak.Leak) error {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	text, err := json.MarshalIndent(l, "", " ")
	if err == nil {
		err = a.write(ctx, leakKey(l.ID), aDocument, text)
	}
	return a.count(opSaveLeak, err)
}

// Leaks reads all leaks. Documents that are none are moved to aside/ and logged.
// With an error, the leaks are those that could be read.
func (a *Archive) Leaks(ctx context.Context) ([]leak.Leak, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	leaks, err := a.leaks(ctx)
	return leaks, a.count(opLoadLeaks, err)
}

func (a *Archive) leaks(ctx context.Context) ([]leak.Leak, error) {
	var keys []string
	for key, err := range a.list(ctx, leaksPrefix) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	var (
		mtx     sync.Mutex
		out     []leak.Leak
		foreign = map[string]error{}
		failed  []error
		group   errgroup.Group
	)
	group.SetLimit(readers)
	for _, key := range keys {
		group.Go(func() error {
			l, err := a.leak(ctx, key)
			mtx.Lock()
			defer mtx.Unlock()
			switch {
			case err == nil:
				out = append(out, l)
			case errors.Is(err, errForeign):
				foreign[key] = err
			case gcerrors.Code(err) == gcerrors.NotFound: // deleted since it was listed
			default:
				failed = append(failed, err)
			}
			return nil
		})
	}
	_ = group.Wait()
	slices.SortFunc(out, leak.ByDetection)
	for key, err := range foreign {
		a.setAside(ctx, key, err)
	}
	return out, errors.Join(failed...)
}

// errForeign: somebody else has put it there, or broken it.
var errForeign = errors.New("not a leak")

// leak reads one document.
func (a *Archive) leak(ctx context.Context, key string) (l leak.Leak, err error) {
	text, err := a.read(ctx, key)
	switch {
	case errors.Is(err, errTooLarge):
		return l, fmt.Errorf("%w: %w", errForeign, err)
	case err != nil:
		return l, err
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return l, fmt.Errorf("%w: %w", errForeign, err)
	}
	if l.ID == "" || key != leakKey(l.ID) {
		return l, fmt.Errorf("%w: its id is %q", errForeign, l.ID)
	}
	return l, nil
}

// setAside moves a document out of the way, where a person may look at it.
// Nothing is deleted, and nothing that lies there already is replaced.
func (a *Archive) setAside(ctx context.Context, key string, why error) {
	to := asidePrefix + key
	exists, err := a.bucket().Exists(ctx, to)
	if exists {
		to += "." + time.Now().UTC().Format("20060102T150405.000000000Z")
	}
	if err == nil {
		err = a.bucket().Copy(ctx, to, key, nil)
	}
	if err == nil {
		err = a.delete(ctx, key)
	}
	if err != nil {
		a.o.Logger.Warn("Not a leak, and cannot be moved: left alone", "key", key, "why", why, "err", err)
		return
	}
	a.metrics.aside.Inc()
	a.o.Logger.Warn("Not a leak, moved aside", "key", key, "to", to, "why", why)
}
