package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"
)

// readers is how many documents are read at a time.
const readers = 8

// errForeign: somebody else wrote it, or changed it.
var errForeign = errors.New("not a document of gorowatch")

// saveDocument writes v as JSON, whole or not at all.
func (a *Archive) saveDocument(ctx context.Context, key string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return a.write(ctx, key, aDocument, text)
}

// documents reads all documents below the prefix, in no order. It moves a document to aside/
// and logs it if it is not a T, has no id, or has the id of another key. With an error it
// returns those that it could read.
func documents[T any](ctx context.Context, a *Archive, prefix string, id func(T) string) ([]T, error) {
	var keys []string
	for key, err := range a.list(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	var (
		mtx     sync.Mutex
		out     []T
		foreign = map[string]error{}
		failed  []error
		group   errgroup.Group
	)
	group.SetLimit(readers)
	for _, key := range keys {
		group.Go(func() error {
			v, err := document(ctx, a, prefix, key, id)
			mtx.Lock()
			defer mtx.Unlock()
			switch {
			case err == nil:
				out = append(out, v)
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
	for key, err := range foreign {
		a.setAside(ctx, key, err)
	}
	return out, errors.Join(failed...)
}

// document reads one of them.
func document[T any](ctx context.Context, a *Archive, prefix, key string, id func(T) string) (v T, err error) {
	text, err := a.read(ctx, key)
	switch {
	case errors.Is(err, errTooLarge):
		return v, fmt.Errorf("%w: %w", errForeign, err)
	case err != nil:
		return v, err
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return v, fmt.Errorf("%w: %w", errForeign, err)
	}
	if x := id(v); x == "" || key != documentKey(prefix, x) {
		return v, fmt.Errorf("%w: its id is %q", errForeign, x)
	}
	return v, nil
}

// setAside moves an object away for a person to look at. It deletes nothing, and replaces
// nothing that was moved earlier.
func (a *Archive) setAside(ctx context.Context, key string, why error) {
	to := asidePrefix + key
	exists, err := a.bucket().Exists(ctx, to)
	if exists {
		to += "." + time.Now().UTC().Format("20060102T150405.000000000Z")
	}
	if err == nil {
		err = a.copy(ctx, to, key)
	}
	if err == nil {
		err = a.delete(ctx, key)
	}
	if err != nil {
		a.o.Logger.Warn("Cannot move an unreadable object aside; it is left alone", "key", key, "why", why, "err", err)
		return
	}
	a.metrics.aside.Inc()
	a.o.Logger.Warn("Unreadable object moved aside", "key", key, "to", to, "why", why)
}
