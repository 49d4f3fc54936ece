package archive

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNotes(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	a := open(t, "file://"+dir, &log)
	notes, err := a.Notes(t.Context())
	require.NoError(t, err)
	require.Empty(t, notes)

	require.NoError(t, a.SaveNote(t.Context(), "3f9c", []byte("one")))
	require.NoError(t, a.SaveNote(t.Context(), "3f9c", []byte("two")))
	require.NoError(t, a.SaveNote(t.Context(), "gone", []byte("x")))
	require.NoError(t, a.DeleteNote(t.Context(), "gone"))
	require.NoError(t, a.DeleteNote(t.Context(), "gone"), "it is gone already")
	require.FileExists(t, filepath.Join(dir, "notes", "3f9c.json"))
	foreign := filepath.Join(dir, "notes", "README")
	require.NoError(t, os.WriteFile(foreign, nil, 0o600))

	notes, err = a.Notes(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"3f9c": []byte("two")}, notes)
	require.Contains(t, log.String(), "Unknown object among the delivery notes; it is left alone")
	require.FileExists(t, foreign)
}
