package check

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/diff"
)

// Where somebody else has released the program, the hint addresses who runs it. A checkout of
// the program's own module belongs to who can change the code.
func TestHintForAReleasedProgram(t *testing.T) {
	const (
		etcdMain = "go.etcd.io/etcd/server/v3/main.go"
		notYours = "go.etcd.io/etcd is not your code: look for clients"
		yours    = "in serverWatchStream.sendLoop: add a case for the context"
	)
	for name, tc := range map[string]struct {
		module, main string
		released     bool
	}{
		"a load test of etcd":                  {"github.com/acme/shop", etcdMain, true},
		"without go.mod":                       {"", etcdMain, true},
		"the pipeline of etcd":                 {"go.etcd.io/etcd/v3", etcdMain, false},
		"the pipeline of its server":           {"go.etcd.io/etcd/server/v3", etcdMain, false},
		"the user's own, which embeds etcd":    {"github.com/acme/shop", "/src/shop/main.go", false},
		"the user's own, built with -trimpath": {"github.com/acme/shop", "github.com/acme/shop/cmd/shop/main.go", false},
		"the user's own, installed":            {"github.com/acme/shop/v2", "/root/go/pkg/mod/github.com/acme/shop/v2@v2.1.0/main.go", false},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if tc.module != "" {
				require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module "+tc.module+"\n\ngo 1.26\n"), 0o600))
			}
			dump := func(name string) []string {
				text, err := os.ReadFile("../diff/testdata/" + name)
				require.NoError(t, err)
				require.Contains(t, string(text), etcdMain)
				path := filepath.Join(root, name)
				require.NoError(t, os.WriteFile(path, bytes.ReplaceAll(text, []byte(etcdMain), []byte(tc.main)), 0o600))
				return []string{path}
			}
			base, head := dump("etcd-base.txt"), dump("etcd-head.txt")
			for _, format := range []string{FormatGitHub, diff.FormatTable, diff.FormatMarkdown, diff.FormatJSON} {
				o := Options{Base: base, Head: head, Format: format, Root: root, JUnit: filepath.Join(root, "junit.xml")}
				var out, progress bytes.Buffer
				leaked, err := Run(t.Context(), o, &out, &progress)
				require.NoError(t, err)
				require.True(t, leaked)
				junit, err := os.ReadFile(o.JUnit)
				require.NoError(t, err)
				for _, text := range []string{out.String(), string(junit)} {
					require.Equal(t, tc.released, strings.Contains(text, notYours), text)
					require.Equal(t, !tc.released, strings.Contains(text, yours), text)
				}
				if tc.released {
					require.Equal(t, 3, strings.Count(string(junit), notYours), "each failure stands alone")
				}
			}
		})
	}
}
