package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
)

// TestKnownOfABinary reads this program, in which a module is called by the name of one that
// leaks.
func TestKnownOfABinary(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	text, err := os.ReadFile(self)
	require.NoError(t, err)
	rename := func(module string) string {
		const kingpin = "github.com/alecthomas/kingpin/v2\tv2.4.0"
		require.Len(t, module, len(kingpin))
		file := filepath.Join(t.TempDir(), "shop")
		require.NoError(t, os.WriteFile(file, bytes.ReplaceAll(text, []byte(kingpin), []byte(module)), 0o600))
		return file
	}
	ask := func(args ...string) (int, string, string) {
		var out, problems bytes.Buffer
		code := run(append([]string{"known"}, args...), &out, &problems)
		return code, out.String(), problems.String()
	}

	leaks := rename("github.com/panjf2000/ants/v2\tv2.7.0-a.0")
	code, out, _ := ask("--binary=" + leaks)
	require.Equal(t, exitLeak, code)
	require.Regexp(t, `^\S*/shop: \d+ modules, 1 with a leak that an upgrade ends\n`, out)
	require.Contains(t, out, `
These versions leak:
  github.com/panjf2000/ants/v2 v2.7.0-a.0, fixed in v2.7.1
    Release does not end the goroutine that keeps the pool's clock. Upgrade. Until then, keep one pool and reuse it.
    https://github.com/panjf2000/ants/issues/263
`)
	require.Regexp(t, `These leak if they are used in the wrong way:\n(.*\n)*  google.golang.org/grpc v1\S+\n`, out)
	code, out, _ = ask("--format=json", "--binary="+leaks, "--binary="+self)
	require.Equal(t, exitLeak, code)
	var doc struct {
		Binaries []struct {
			File, Main string
			Modules    int
			Known      []v1.Known
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	require.Len(t, doc.Binaries, 2)
	require.Equal(t, "github.com/gorowatch/gorowatch", doc.Binaries[1].Main)
	require.Greater(t, len(doc.Binaries[0].Known), len(doc.Binaries[1].Known))

	for _, module := range []string{"github.com/panjf2000/ants/v2\tv2.7.1+a.0", "github.com/panjf2000/ants/v2\tv2.99999.0"} {
		code, out, _ = ask("--binary=" + rename(module))
		require.Equal(t, exitOK, code)
		require.Contains(t, out, "modules, 0 with a leak that an upgrade ends")
		require.NotContains(t, out, "ants")
	}
	for _, args := range [][]string{{"--binary=known_test.go"}, {"--binary=no-such-file"}, {"--binary=" + self, "--file=x.yaml"}} {
		code, out, problems := ask(args...)
		require.Equal(t, exitFail, code)
		require.Empty(t, out)
		require.Contains(t, problems, "gorowatch: --binary")
	}
}
