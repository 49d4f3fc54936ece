package help

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/docs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	href = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	id   = regexp.MustCompile(` id="([^"]*)"`)
)

// TestEveryPage: each page has a title, and its links lead to an existing page and heading, or
// to the repository. Nothing in it needs more than the policy allows.
func TestEveryPage(t *testing.T) {
	names, err := fs.Glob(docs.Files, "*.md")
	require.NoError(t, err)
	below, err := fs.Glob(docs.Files, "*/*.md")
	require.NoError(t, err)
	require.Greater(t, len(names)+len(below), 40)
	anchors := map[string]map[string]bool{}
	pages := map[string]Page{}
	for _, file := range append(names, below...) {
		name := strings.TrimSuffix(file, ".md")
		p, ok := Render("/g/help", name)
		require.True(t, ok, name)
		require.NotEmpty(t, p.Title, name)
		require.False(t, strings.Contains(string(p.HTML), ` style="`), name)
		require.Less(t, len(p.HTML), 250<<10, name)
		pages[name], anchors[name] = p, map[string]bool{}
		for _, m := range id.FindAllStringSubmatch(string(p.HTML), -1) {
			anchors[name][m[1]] = true
		}
	}
	for name, p := range pages {
		for _, m := range href.FindAllStringSubmatch(string(p.HTML), -1) {
			to, anchor, _ := strings.Cut(m[1], "#")
			target, isPage := strings.CutPrefix(to, "/g/help/")
			switch picture, isPicture := strings.CutPrefix(target, "img/"); {
			case to == "":
				require.True(t, anchors[name][anchor], "%s: #%s", name, anchor)
			case isPicture:
				_, ok := Picture(picture)
				require.True(t, ok, m[1])
			case isPage:
				require.True(t, Has(target), "%s: %s", name, m[1])
				require.True(t, anchor == "" || anchors[target][anchor], "%s: %s", name, m[1])
			default:
				require.Regexp(t, `^(https?:|mailto:)`, m[1], name)
			}
		}
	}
}

func TestNoSuchPage(t *testing.T) {
	for _, name := range []string{"nosuch", "../go.mod", "", "embed", "leaks", "/etc/passwd", "leaks/../pages"} {
		_, ok := Render("/help", name)
		require.False(t, ok, name)
	}
	_, ok := Picture("../embed.go")
	require.False(t, ok)
}

// TestEveryVerdictHasAPage: the pages and the API link a verdict to the page that explains
// it, by the names of docs/openapi.yaml.
func TestEveryVerdictHasAPage(t *testing.T) {
	api, err := os.ReadFile("../../../docs/openapi.yaml")
	require.NoError(t, err)
	index, err := fs.ReadFile(docs.Files, "verdicts/README.md")
	require.NoError(t, err)
	found := 0
	for _, enum := range regexp.MustCompile(`(?m)^    (?:Status|Gate): \{type: string, enum: \[(.*?)\]`).FindAllStringSubmatch(string(api), -1) {
		for _, name := range strings.Split(enum[1], ", ") {
			if name = strings.Trim(name, "'"); name == "" {
				continue
			}
			found++
			require.True(t, Has("verdicts/"+name), name)
			require.Contains(t, string(index), "("+name+".md)")
		}
	}
	require.Equal(t, 18, found)
}

// TestPicturesAreSmall, because they are part of the program.
func TestPicturesAreSmall(t *testing.T) {
	require.NoError(t, fs.WalkDir(docs.Files, "img", func(name string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), int64(150<<10), name)
		return nil
	}))
}
