package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSite builds the site as it is published. Building it checks every link.
func TestSite(t *testing.T) {
	for _, base := range []string{"", "/gorowatch"} {
		out := t.TempDir()
		require.NoError(t, run(out, base, ""))
		start, err := os.ReadFile(filepath.Join(out, "index.html"))
		require.NoError(t, err)
		require.Contains(t, string(start), `<a href="`+base+`/glossary"`)
		require.FileExists(t, filepath.Join(out, "glossary/index.html"))
		require.FileExists(t, filepath.Join(out, "style.css"))
	}
}

// TestEveryPageIsInTheMenu: the home page, whose links are the menu, leads to every page but
// those of a folder with its own list. The how-to pages have no such list.
func TestEveryPageIsInTheMenu(t *testing.T) {
	files, err := build("")
	require.NoError(t, err)
	listed := map[string]bool{}
	for _, s := range menu(string(files["index.html"]), "") {
		for _, l := range s.Links {
			listed[strings.TrimPrefix(l.Href, "/")] = true
		}
	}
	for name := range files {
		page, ok := strings.CutSuffix(name, "/index.html")
		if ok && (!strings.Contains(page, "/") || strings.HasPrefix(page, "howto/")) && page != home {
			require.True(t, listed[page], "docs/%s.md is not in docs/README.md", page)
		}
	}
}

func TestBrokenLinks(t *testing.T) {
	files := map[string][]byte{
		"index.html":      []byte(`<a href="/a">good</a> <a href="/b">bad</a> <a href="https://example.org/b">other</a>`),
		"a/index.html":    []byte(`<h2 id="here">x</h2><a href="#here">good</a><a href="/#gone">bad</a><img src="/img/p.svg">`),
		"img/other.svg":   nil,
		"b.txt":           nil,
		"c/d/index.html":  []byte(`<a href="/a#here">good</a>`),
		"e/f/unknown.svg": nil,
	}
	err := checkLinks(files, "")
	require.ErrorContains(t, err, "index.html: link to /b: no such page")
	require.ErrorContains(t, err, "a/index.html: link to /#gone: no such heading")
	require.ErrorContains(t, err, "a/index.html: link to /img/p.svg: no such page")
	require.Len(t, strings.Split(err.Error(), "\n"), 3)
}

func TestServe(t *testing.T) {
	files, err := build("/docs")
	require.NoError(t, err)
	server := httptest.NewServer(handler(files, "/docs"))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for url, want := range map[string]int{"/docs/": 200, "/docs/glossary": 200, "/docs/style.css": 200, "/docs/nosuch": 404} {
		resp, err := client.Get(server.URL + url)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, want, resp.StatusCode, url)
	}
}
