package diff

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
)

const (
	etcdMain = "go.etcd.io/etcd/server/v3/main.go"
	notYours = "go.etcd.io/etcd is not your code: look for clients that open connections, streams or watches"
)

// etcd returns the dumps of an etcd whose clients open watches and never cancel them, with a
// part of the text replaced.
func etcd(t *testing.T, from, to string) (base, head string) {
	t.Helper()
	dump := func(name string) string {
		text, err := os.ReadFile("testdata/" + name)
		require.NoError(t, err)
		require.Contains(t, string(text), from)
		return write(t, name, strings.ReplaceAll(string(text), from, to))
	}
	return dump("etcd-base.txt"), dump("etcd-head.txt")
}

func output(t *testing.T, o Options) string {
	t.Helper()
	var out, odd bytes.Buffer
	require.NoError(t, Run(t.Context(), o, &out, &odd))
	require.Empty(t, odd.String())
	return out.String()
}

// Where somebody else has released the program, the hint addresses who runs it, as that of an
// alert does. A program of the user's own may have the same stacks, as one that embeds etcd.
func TestHintForAReleasedProgram(t *testing.T) {
	for name, tc := range map[string]struct {
		main     string // its file
		released bool
	}{
		"etcd":                          {etcdMain, true},
		"the user's own":                {"/src/shop/main.go", false},
		"the user's own, with trimpath": {"github.com/acme/shop/cmd/shop/main.go", false},
	} {
		t.Run(name, func(t *testing.T) {
			base, head := etcd(t, etcdMain, tc.main)
			shown := map[bool]int{true: 1}[tc.released]

			table := output(t, Options{Base: base, Head: head})
			require.Equal(t, shown, strings.Count(table, "    ("+notYours), table)
			require.Equal(t, !tc.released, strings.Contains(table, "in serverWatchStream.sendLoop: add a case for the context's Done"), table)

			markdown := output(t, Options{Base: base, Head: head, Format: FormatMarkdown})
			require.Equal(t, shown, strings.Count(markdown, "\n"+notYours), markdown)
			require.Equal(t, !tc.released, strings.Contains(markdown, "in serverWatchStream.sendLoop: add a case"), markdown)

			var report struct{ Stacks []v1.Stack }
			require.NoError(t, json.Unmarshal([]byte(output(t, Options{Base: base, Head: head, Format: FormatJSON})), &report))
			require.Len(t, report.Stacks, 3)
			for _, s := range report.Stacks {
				require.Equal(t, tc.released, s.Hint.Kind == "program", s.Hint)
				require.Equal(t, tc.released, strings.HasPrefix(s.Hint.Sentence, notYours), s.Hint)
			}
		})
	}
}

// The goroutine of main shows whose program it is, with and without the label that is asked for.
func TestHintForAReleasedProgramByLabel(t *testing.T) {
	const labelled = `[select, 38 minutes] {"method": "watch"}:`
	for _, label := range []string{"method", "method=watch"} {
		base, head := etcd(t, "[select, 38 minutes]:", labelled)
		require.Contains(t, output(t, Options{Base: base, Head: head, Label: label}), notYours, label)
	}
	base, head := etcd(t, "[select, 38 minutes]:", labelled)
	for _, place := range []string{base, head} {
		text, err := os.ReadFile(place)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(place, bytes.ReplaceAll(text, []byte(etcdMain), []byte("/src/shop/main.go")), 0o600))
	}
	require.NotContains(t, output(t, Options{Base: base, Head: head, Label: "method=watch"}), "not your code")
}

// A program counts as the user's own if main is on no stack, or if one of the two profiles is of
// such a program.
func TestHintForAnUnknownProgram(t *testing.T) {
	base, head := etcd(t, "main.main()", "main.run()")
	require.NotContains(t, output(t, Options{Base: base, Head: head}), "not your code")

	_, released := etcd(t, etcdMain, etcdMain)
	own, _ := etcd(t, etcdMain, "/src/shop/main.go")
	require.NotContains(t, output(t, Options{Base: own, Head: released}), "not your code")

	// One profile with main is enough.
	both, _ := etcd(t, etcdMain, etcdMain)
	require.Contains(t, output(t, Options{Base: both, Head: head}), notYours)
}
