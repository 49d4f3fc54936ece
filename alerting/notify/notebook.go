package notify

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/post"
	"github.com/gorowatch/gorowatch/internal/backoff"
	"github.com/gorowatch/gorowatch/leak"
)

// Notes stores small documents, one for each leak, that outlive the process. Each is
// written whole or not at all.
type Notes interface {
	// Notes returns all documents by the ID of the leak.
	Notes(ctx context.Context) (map[string][]byte, error)
	SaveNote(ctx context.Context, id string, text []byte) error
	DeleteNote(ctx context.Context, id string) error
}

// note is what a restart needs to know of a leak besides the leak.
type note struct {
	// CriticalSince is when its critical alert began; zero while none fires.
	CriticalSince time.Time `json:"critical_since,omitzero"`
	// Delivered is what each webhook accepted last, by its name and the severity.
	Delivered map[string]map[alerting.Severity]delivery `json:"told,omitempty"`

	// unknownSince is since when the leak is not known any more; zero while it is.
	unknownSince time.Time
}

// delivery is the state of an alert that a webhook accepted, and when.
type delivery struct {
	State leak.State `json:"state"`
	At    time.Time  `json:"at"`
}

const (
	// forgetAfter is how long the note of a leak is kept after the leak is no longer
	// known, because perhaps the archive cannot be read.
	forgetAfter = 24 * time.Hour
	// noteTimeout bounds one operation on the notes.
	noteTimeout = 10 * time.Second
)

// notebook keeps the notes in memory and writes them to the store in the background.
// If the store fails, alerts go on and the notes are written later.
type notebook struct {
	store  Notes // nil: there is none
	logger *slog.Logger
	work   chan struct{} // has a token whenever there may be something to write

	mu      sync.Mutex
	notes   map[string]*note
	dirty   map[string]bool
	failing bool
}

// openNotebook reads the notes. If it cannot, webhooks get everything again, which is
// better than nothing.
func openNotebook(ctx context.Context, store Notes, logger *slog.Logger) *notebook {
	b := &notebook{store: store, logger: logger, work: make(chan struct{}, 1), notes: map[string]*note{}, dirty: map[string]bool{}}
	if store == nil {
		return b
	}
	texts, err := store.Notes(ctx)
	if err != nil {
		logger.Error("Cannot load webhook delivery state; notifications may repeat", "err", err)
	}
	for id, text := range texts {
		n := &note{}
		if err := json.Unmarshal(text, n); err != nil {
			logger.Warn("Cannot read the delivery state of a leak; its notifications may repeat", "leak", id, "err", err)
			continue
		}
		b.notes[id] = n
	}
	return b
}

// criticalSince returns when the critical alerts began that fire, by leak.
func (b *notebook) criticalSince() map[string]time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]time.Time{}
	for id, n := range b.notes {
		if !n.CriticalSince.IsZero() {
			all[id] = n.CriticalSince
		}
	}
	return all
}

// setCriticalSince notes when a critical alert began; the zero time: it ended.
func (b *notebook) setCriticalSince(leakID string, since time.Time) {
	b.edit(leakID, func(n *note) { n.CriticalSince = since })
}

// Delivered returns the state of an alert that a webhook accepted last; empty: none.
func (b *notebook) Delivered(webhook, leakID string, s alerting.Severity) leak.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.notes[leakID]; n != nil {
		return n.Delivered[webhook][s].State
	}
	return ""
}

// SetDelivered notes that a webhook accepted a state of an alert.
func (b *notebook) SetDelivered(webhook, leakID string, s alerting.Severity, state leak.State, at time.Time) {
	b.edit(leakID, func(n *note) {
		if n.Delivered == nil {
			n.Delivered = map[string]map[alerting.Severity]delivery{}
		}
		if n.Delivered[webhook] == nil {
			n.Delivered[webhook] = map[alerting.Severity]delivery{}
		}
		n.Delivered[webhook][s] = delivery{state, at}
	})
}

// edit changes the note of a leak and lets run write it.
func (b *notebook) edit(id string, f func(*note)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.notes[id]
	if n == nil {
		n = &note{}
		b.notes[id] = n
	}
	f(n)
	b.dirty[id] = true
	b.wake()
}

// forgetUnknown deletes the notes of leaks that have not been known for long.
func (b *notebook) forgetUnknown(known map[string]bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, n := range b.notes {
		switch {
		case known[id]:
			n.unknownSince = time.Time{}
		case n.unknownSince.IsZero():
			n.unknownSince = now
		case now.Sub(n.unknownSince) > forgetAfter:
			delete(b.notes, id)
			b.dirty[id] = true
			b.wake()
		}
	}
}

// wake puts a token into work.
func (b *notebook) wake() {
	select {
	case b.work <- struct{}{}:
	default:
	}
}

// run writes changes until ctx is done, and then what is left.
func (b *notebook) run(ctx context.Context) {
	failures := 0 // in a row
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-b.work:
			if b.write(ctx) {
				failures = 0
				continue
			}
			failures++
			_ = backoff.Sleep(ctx, post.RetryPolicy().Wait(failures)) // the loop checks ctx
			b.wake()
		}
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	b.write(end)
}

// write writes all changes. If that fails it returns false, and what is left stays to
// be written.
func (b *notebook) write(ctx context.Context) bool {
	b.mu.Lock()
	ids := slices.Sorted(maps.Keys(b.dirty))
	b.mu.Unlock()
	for _, id := range ids {
		if err := b.writeOne(ctx, id); err != nil {
			if ctx.Err() == nil {
				b.logStore(err)
			}
			return false
		}
	}
	b.logStore(nil)
	return true
}

// writeOne writes or deletes the note of one leak.
func (b *notebook) writeOne(ctx context.Context, id string) error {
	b.mu.Lock()
	delete(b.dirty, id)
	var text []byte
	var err error
	if n := b.notes[id]; n != nil {
		text, err = json.Marshal(n)
	}
	b.mu.Unlock()
	if err == nil && b.store != nil {
		ctx, cancel := context.WithTimeout(ctx, noteTimeout)
		defer cancel()
		if text == nil {
			err = b.store.DeleteNote(ctx, id)
		} else {
			err = b.store.SaveNote(ctx, id, text)
		}
	}
	if err != nil {
		b.mu.Lock()
		b.dirty[id] = true
		b.mu.Unlock()
	}
	return err
}

// logStore logs when the store begins to fail, and when it works again.
func (b *notebook) logStore(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err != nil && !b.failing:
		b.logger.Warn("Cannot save webhook delivery state; after a restart notifications may repeat", "err", err)
	case err == nil && b.failing:
		b.logger.Info("Webhook delivery state is saved again")
	}
	b.failing = err != nil
}
