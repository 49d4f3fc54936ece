package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// tool returns the path of a binary that test/tools/install.sh has put into its cache. If it is
// missing the test is skipped, or fails with CI=true.
func tool(t testing.TB, name, binary string) string {
	t.Helper()
	cache := os.Getenv("GOROWATCH_TOOLS")
	if cache == "" {
		// The script has the same on every system.
		dir := os.Getenv("XDG_CACHE_HOME")
		if dir == "" {
			dir = filepath.Join(os.Getenv("HOME"), ".cache")
		}
		cache = filepath.Join(dir, "gorowatch-tools")
	}
	path := filepath.Join(cache, name, "current", binary)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	const missing = "%s is missing (%s): run test/tools/install.sh %s"
	if os.Getenv("CI") == "true" {
		t.Fatalf(missing, binary, path, name)
	}
	t.Skipf(missing, binary, path, name)
	return ""
}

// Tool returns the path of a binary that test/tools/install.sh has put into its cache, for the
// tests of other packages. If it is missing the test is skipped, or fails with CI=true.
func Tool(t testing.TB, name, binary string) string {
	t.Helper()
	return tool(t, name, binary)
}
