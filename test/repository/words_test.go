package repository

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stiff matches phrases that make text hard to read. Plain words say the same: notified,
// confirmed, recovered, suppressed, obtained, previous.
var stiff = regexp.MustCompile(`(?i)` + strings.Join([]string{`told` + ` of`, `borne?` + ` out`, `come back` + ` from`, `held` + ` back`, `\bis` + ` had\b`, `of` + ` before\b`}, "|"))

// TestPlainWords reads every text file of the repository.
func TestPlainWords(t *testing.T) {
	read := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		require.NoError(t, err)
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if slices.Contains([]string{".git", "dist", "dist-extra", "node_modules"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !slices.Contains([]string{".go", ".md", ".yaml", ".yml", ".html", ".js", ".css", ".tpl", ".txt", ".txtar", ".sh", ".tmpl"}, filepath.Ext(path)) || name == "NOTICE" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		for i, line := range strings.Split(string(text), "\n") {
			if found := stiff.FindString(line); found != "" {
				t.Errorf("%s:%d: %q: say it in plain words: %s", name, i+1, found, strings.TrimSpace(line))
			}
		}
		return nil
	}))
	require.Greater(t, read, 800)
}
