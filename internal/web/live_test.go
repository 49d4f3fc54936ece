package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// TestEntityTagsOfPages: a page that differs only in the time is not sent again.
func TestEntityTagsOfPages(t *testing.T) {
	s := leaking()
	o := options(s)
	now := at
	of(o).now = func() time.Time { return now }
	open := visit(t, o)
	ask := func(path, tag string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("If-None-Match", tag)
		return open(r)
	}
	for _, path := range []string{"/", "/leaks/3f9c2a7b", "/services", "/targets"} {
		now = at
		first := ask(path, "")
		require.Regexp(t, `data-live="2"`, body(t, first), path)
		tag := first.Header.Get("Etag")
		require.Regexp(t, `^W/"[0-9a-f]{24}"$`, tag)
		now = at.Add(9 * time.Second)
		again := ask(path, tag)
		require.Equal(t, http.StatusNotModified, again.StatusCode, path)
		require.Empty(t, body(t, again))
	}
	tag := ask("/", "").Header.Get("Etag")
	s.leaks[3].Leaked++
	require.Equal(t, http.StatusOK, ask("/", tag).StatusCode)
	require.NotContains(t, body(t, open(httptest.NewRequest(http.MethodGet, "/?state=bogus", nil))), "data-live", "what was refused stays")
	require.Empty(t, open(httptest.NewRequest(http.MethodGet, "/nosuch", nil)).Header.Get("Etag"))
}

// TestCompression: pages, scripts and the API are compressed as the client accepts. Files are
// sent unchanged.
func TestCompression(t *testing.T) {
	open := visit(t, options(large()))
	get := func(path, accept string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", accept)
		return open(r)
	}
	for _, path := range []string{"/", "/services", "/static/style.css", "/static/live.js", "/api/v1/leaks"} {
		plain := body(t, get(path, "identity"))
		require.Empty(t, get(path, "identity").Header.Get("Content-Encoding"))
		r := get(path, "gzip")
		require.Equal(t, "gzip", r.Header.Get("Content-Encoding"), path)
		require.Contains(t, r.Header.Get("Vary"), "Accept-Encoding")
		packed := body(t, r)
		require.Less(t, len(packed), len(plain)/2, path)
		z, err := gzip.NewReader(strings.NewReader(packed))
		require.NoError(t, err)
		got, err := io.ReadAll(z)
		require.NoError(t, err)
		require.Len(t, got, len(plain))
		r = get(path, "gzip, br, zstd")
		require.Equal(t, "zstd", r.Header.Get("Content-Encoding"), path)
		d, err := zstd.NewReader(strings.NewReader(body(t, r)))
		require.NoError(t, err)
		got, err = io.ReadAll(d)
		require.NoError(t, err)
		d.Close()
		require.Len(t, got, len(plain))
	}
	require.Empty(t, get("/-/healthy", "gzip").Header.Get("Content-Encoding"), "too short")
}
