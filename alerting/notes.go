package alerting

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/internal/backoff"
	"github.com/gorowatch/gorowatch/leak"
)

// Notes are small documents, one a leak, that outlive the process. Each is
// written whole or not at all.
type Notes interface {
	Notes(ctx context.Context) (map[string][]byte, error)
	SaveNote(ctx context.Context, id string, text []byte) error
	DeleteNote(ctx context.Context, id string) error
}

// note is what has to be known of a leak after a restart besides the leak.
type note struct {
	// CriticalSince is when its critical alert began; zero while there is none.
	CriticalSince time.Time `json:"critical_since,omitzero"`
	// Told is what each webhook took last, by its name and the severity.
	Told map[string]map[Severity]told `json:"told,omitempty"`

	// gone is since when the leak is not known; zero while it is.
	gone time.Time
}

type told struct {
	State leak.State `json:"state"`
	At    time.Time  `json:"at"`
}

const (
	// forgetAfter is how long the note of a leak stays that is not known any
	// more: it may be the archive that cannot be read.
	forgetAfter = 24 * time.Hour
	// noteTimeout bounds one operation on the notes.
	noteTimeout = 10 * time.Second
)

// notebook keeps the notes, in memory and behind that in the store. That the
// store fails is no reason to be silent: what was not written is written later.
type notebook struct {
	store  Notes // nil: there is none
	logger *slog.Logger
	work   chan struct{} // has a token whenever something is to be written

	mu      sync.Mutex
	notes   map[string]*note
	dirty   map[string]bool
	failing bool
}

// openNotebook reads the notes. If it cannot, everybody is told everything
// again, which is better than nothing at all.
func openNotebook(ctx context.Context, store Notes, logger *slog.Logger) *notebook {
	b := &notebook{store: store, logger: logger, work: make(chan struct{}, 1), notes: map[string]*note{}, dirty: map[string]bool{}}
	if store == nil {
		return b
	}
	texts, err := store.Notes(ctx)
	if err != nil {
		logger.Error("It cannot be read what webhooks were told before, they are told again", "err", err)
	}
	for id, text := range texts {
		n := &note{}
		if err := json.Unmarshal(text, n); err != nil {
			logger.Warn("A note cannot be read, the webhooks are told of its leak again", "leak", id, "err", err)
			continue
		}
		b.notes[id] = n
	}
	return b
}

// escalations are the critical alerts that fired.
func (b *notebook) escalations() map[string]escalation {
	all := map[string]escalation{}
	for id, n := range b.notes {
		if !n.CriticalSince.IsZero() {
			all[id] = escalation{since: n.CriticalSince}
		}
	}
	return all
}

// told is the state of an alert that a webhook took last; empty: none.
func (b *notebook) told(webhook, id string, s Severity) leak.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.notes[id]; n != nil {
		return n.Told[webhook][s].State
	}
	return ""
}

// tell notes what a webhook took.
func (b *notebook) tell(webhook, id string, s Severity, t told) {
	b.edit(id, func(n *note) {
		if n.Told == nil {
			n.Told = map[string]map[Severity]told{}
		}
		if n.Told[webhook] == nil {
			n.Told[webhook] = map[Severity]told{}
		}
		n.Told[webhook][s] = t
	})
}

// edit changes the note of a leak.
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

// keep drops the notes of leaks that are not known for long.
func (b *notebook) keep(live map[string]bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, n := range b.notes {
		switch {
		case live[id]:
			n.gone = time.Time{}
		case n.gone.IsZero():
			n.gone = now
		case now.Sub(n.gone) > forgetAfter:
			delete(b.notes, id)
			b.dirty[id] = true
			b.wake()
		}
	}
}

func (b *notebook) wake() {
	select {
	case b.work <- struct{}{}:
	default:
	}
}

// run writes what changes until ctx is done, and then what is left.
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
			_ = backoff.Sleep(ctx, retryPolicy.Wait(failures)) // the loop looks at ctx
			b.wake()
		}
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	b.write(end)
}

// write writes all that has changed. It returns false if that failed, and what
// is left is still to be written.
func (b *notebook) write(ctx context.Context) bool {
	b.mu.Lock()
	ids := slices.Sorted(maps.Keys(b.dirty))
	b.mu.Unlock()
	for _, id := range ids {
		if err := b.writeOne(ctx, id); err != nil {
			if ctx.Err() == nil {
				b.say(err)
			}
			return false
		}
	}
	b.say(nil)
	return true
}

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

// say logs when the store fails, and when it works again.
func (b *notebook) say(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err != nil && !b.failing:
		b.logger.Warn("It cannot be noted what was told; after a restart some may be told twice", "err", err)
	case err == nil && b.failing:
		b.logger.Info("It can be noted again what was told")
	}
	b.failing = err != nil
}
