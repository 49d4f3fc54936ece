package layout

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The figures of the leakbench kit are worthless if gorowatch knows the answers, or which
// services it is judged on.
func TestNothingKnowsTheTruth(t *testing.T) {
	for name, p := range ours(t) {
		for _, file := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			require.NoError(t, err)
			for _, word := range []string{"truth.json", "leakbench"} {
				if bytes.Contains(text, []byte(word)) {
					t.Errorf("%s/%s has %q: only tests may know of the kit", name, file, word)
				}
			}
		}
	}

	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	require.NotContains(t, string(mod), "leakbench", "the kit is a module of its own, and the product does without it")
}
