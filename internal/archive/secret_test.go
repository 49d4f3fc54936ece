package archive

import (
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSecret: all processes with a bucket get one secret, whichever is first, and a later run
// gets the same.
func TestSecret(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	secrets := make([][]byte, 8)
	for i := range secrets {
		a := open(t, "file://"+dir, io.Discard)
		wg.Go(func() { secrets[i], _ = a.Secret(t.Context(), "pictures") })
	}
	wg.Wait()
	for _, s := range secrets {
		require.Len(t, s, 32)
		require.Equal(t, secrets[0], s)
	}
	later := open(t, "file://"+dir, io.Discard)
	again, err := later.Secret(t.Context(), "pictures")
	require.NoError(t, err)
	require.Equal(t, secrets[0], again)
	other, err := later.Secret(t.Context(), "other")
	require.NoError(t, err)
	require.NotEqual(t, again, other)
}

func TestSecretThatIsNone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keys", "pictures.key")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte("short"), 0o600))
	_, err := open(t, "file://"+dir, io.Discard).Secret(t.Context(), "pictures")
	random := open(t, "file://"+dir, io.Discard).SecretOrRandom(t.Context(), "pictures")
	require.Len(t, random, 32)
	require.NotEqual(t, random, open(t, "file://"+dir, io.Discard).SecretOrRandom(t.Context(), "pictures"))
	require.ErrorContains(t, err, "keys/pictures.key: not a key of 32 bytes")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "short", string(text), "it is not overwritten")
}
