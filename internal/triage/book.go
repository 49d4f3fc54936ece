package triage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"
)

// Bucket keeps the entries. An entry is written whole or not at all.
type Bucket interface {
	Triage(ctx context.Context) ([]Entry, error)
	SaveTriage(ctx context.Context, e Entry) error
	DeleteTriage(ctx context.Context, leak string) error
}

// Book has all entries. It is safe for concurrent use.
type Book struct {
	bucket Bucket
	logger *slog.Logger

	// writing is held while an entry is written, so that two entries of the same leak are
	// written one after the other.
	writing sync.Mutex
	mtx     sync.Mutex
	entries map[string]Entry
}

// NewBook makes an empty book.
func NewBook(b Bucket, logger *slog.Logger) *Book {
	return &Book{bucket: b, logger: logger, entries: map[string]Entry{}}
}

// Read replaces the entries by those of the bucket, which another replica may have written. It
// reports whether any has changed. After an error the book keeps its entries.
func (b *Book) Read(ctx context.Context) (changed bool, err error) {
	b.writing.Lock()
	defer b.writing.Unlock()
	list, err := b.bucket.Triage(ctx)
	if err != nil {
		return false, fmt.Errorf("triage: %w", err)
	}
	entries := make(map[string]Entry, len(list))
	for _, e := range list {
		entries[e.Leak] = e
	}
	b.mtx.Lock()
	defer b.mtx.Unlock()
	changed = !reflect.DeepEqual(entries, b.entries)
	b.entries = entries
	return changed, nil
}

// Entry returns the entry of a leak; its zero value if there is none.
func (b *Book) Entry(leak string) Entry {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	return b.entries[leak]
}

// Entries returns all of them, ordered by leak.
func (b *Book) Entries() []Entry {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	out := make([]Entry, 0, len(b.entries))
	for _, e := range b.entries {
		out = append(out, e)
	}
	slices.SortFunc(out, func(x, y Entry) int { return cmp.Compare(x.Leak, y.Leak) })
	return out
}

// ErrNotKept means that the bucket cannot be written.
var ErrNotKept = errors.New("the archive cannot be written, nothing has changed; the log says why")

// Set replaces the entry of a leak. An empty entry is deleted. It returns ErrNotKept if the
// bucket could not be written, and then nothing has changed.
func (b *Book) Set(ctx context.Context, now time.Time, e Entry) error {
	e.UpdatedAt = now.UTC().Truncate(time.Second)
	b.writing.Lock()
	defer b.writing.Unlock()
	var err error
	if e.IsEmpty() {
		err = b.bucket.DeleteTriage(ctx, e.Leak)
	} else {
		err = b.bucket.SaveTriage(ctx, e)
	}
	if err != nil {
		b.logger.Warn("Cannot save the change to a leak; nothing has changed", "leak", e.Leak, "err", err)
		return ErrNotKept
	}
	b.mtx.Lock()
	defer b.mtx.Unlock()
	if e.IsEmpty() {
		delete(b.entries, e.Leak)
	} else {
		b.entries[e.Leak] = e
	}
	return nil
}
