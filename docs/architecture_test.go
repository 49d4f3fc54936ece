package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// sourcePath is a file or a package of the repository in backquotes.
var sourcePath = regexp.MustCompile("`((?:alerting|cmd|collector|deploy|grafana|internal|leak|test|trend)(?:/[A-Za-z0-9_./]+)?)`")

// The page of the architecture names existing files and packages.
func TestArchitectureNamesWhatExists(t *testing.T) {
	page, err := os.ReadFile("architecture.md")
	require.NoError(t, err)
	found := sourcePath.FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(found), 30)
	for _, m := range found {
		_, err := os.Stat(filepath.Join(root, m[1]))
		require.NoError(t, err, "docs/architecture.md")
	}
}

// Every package is on a floor.
func TestArchitectureHasAllPackages(t *testing.T) {
	page, err := os.ReadFile("architecture.md")
	require.NoError(t, err)
	rooms, err := filepath.Glob(filepath.Join(root, "internal", "*"))
	require.NoError(t, err)
	for _, room := range rooms {
		name := "internal/" + filepath.Base(room)
		switch name {
		case "internal/pprofui", "internal/shard": // parts of the pages and of the start
			continue
		case "internal/api":
			name = "internal/api/v1"
		}
		require.Contains(t, string(page), "`"+name+"`")
	}
}
