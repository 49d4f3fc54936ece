package archive

import (
	"context"
	"strings"

	"gocloud.dev/gcerrors"
)

const notesPrefix = "notes/"

func noteKey(id string) string { return documentKey(notesPrefix, id) }

// SaveNote stores a document beside a leak, such as which webhooks were notified of it. It
// survives a restart, and is written whole or not at all.
func (a *Archive) SaveNote(ctx context.Context, id string, text []byte) error {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	err := a.write(ctx, noteKey(id), aDocument, text)
	return a.count(opSaveNote, err)
}

// DeleteNote deletes a note, if there is one.
func (a *Archive) DeleteNote(ctx context.Context, id string) error {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	return a.count(opDeleteNote, a.delete(ctx, noteKey(id)))
}

// Notes reads all notes, by the leak.
func (a *Archive) Notes(ctx context.Context) (map[string][]byte, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	notes, err := a.notes(ctx)
	return notes, a.count(opLoadNotes, err)
}

func (a *Archive) notes(ctx context.Context) (map[string][]byte, error) {
	out := map[string][]byte{}
	for key, err := range a.list(ctx, notesPrefix) {
		if err != nil {
			return out, err
		}
		id, ok := strings.CutSuffix(strings.TrimPrefix(key, notesPrefix), ".json")
		if !ok || key != noteKey(id) {
			a.o.Logger.Warn("Unknown object among the delivery notes; it is left alone", "key", key)
			continue
		}
		text, err := a.read(ctx, key)
		if gcerrors.Code(err) == gcerrors.NotFound {
			continue // deleted since it was listed
		}
		if err != nil {
			return out, err
		}
		out[id] = text
	}
	return out, nil
}
