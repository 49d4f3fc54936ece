package layout

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// maxPackage is how many lines a package may have, without tests and generated files. A larger
// one has more than one purpose.
const maxPackage = 2500

// maxRoom is the part of all lines that a room may have: the packages whose paths
// agree in the first two elements, such as internal/web and its children.
const maxRoom = 0.15

func TestNothingIsTooLarge(t *testing.T) {
	packages := sizes(t)
	for name, n := range packages {
		if n > maxPackage {
			t.Errorf("%s has %d lines, expected at most %d: move an idea of it into a package of its own", name, n, maxPackage)
		}
	}

	rooms, all := map[string]int{}, 0
	for name, n := range packages {
		parts := strings.SplitN(name, "/", 3)
		rooms[strings.Join(parts[:min(len(parts), 2)], "/")] += n
		all += n
	}
	for room, n := range rooms {
		if part := float64(n) / float64(all); part > maxRoom {
			t.Errorf("%s has %.0f %% of all lines, expected at most %.0f %%", room, 100*part, 100*maxRoom)
		}
	}
}

// generated is the line that marks a generated file.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// sizes returns the lines of the packages of the product, for all platforms, without
// tests and generated files.
func sizes(t *testing.T) map[string]int {
	t.Helper()
	lines := map[string]int{}
	for name, p := range ours(t) {
		if isFixture(name) {
			continue
		}
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			if !generated.Match(text) {
				lines[name] += bytes.Count(text, []byte("\n"))
			}
		}
	}
	require.Greater(t, len(lines), 20)
	return lines
}
