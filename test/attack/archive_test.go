package attack

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/test/e2e"
)

// Somebody who can write to the folder of the bucket cannot make gorowatch read files
// elsewhere, nor keep it busy with a profile again and again.
func TestHostileBucket(t *testing.T) {
	t.Parallel()
	bucket, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "20260301T120000Z.pb.gz"), []byte("hunter2"), 0o600))
	service := filepath.Join(bucket, "profiles", "prod", "shop")
	for _, dir := range []string{"a", "bomb"} {
		require.NoError(t, os.MkdirAll(filepath.Join(service, dir), 0o755))
	}
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(service, "a", "20260301T120000Z.pb.gz")))
	require.NoError(t, os.Symlink(outside, filepath.Join(service, "b")))

	text := bytes.Repeat([]byte("x"), 64<<10)
	const bomb = "profiles/prod/shop/bomb/20260301T120000Z.pb.gz"
	file := filepath.Join(bucket, filepath.FromSlash(bomb))
	require.NoError(t, os.WriteFile(file, gzipped(func(w io.Writer) {
		_, _ = w.Write(profile(1, nil))
		for i := range uint64(4000) {
			_, _ = w.Write(wire{}.msg(5, wire{}.num(1, i+1).num(2, i+4)))
		}
		for range 4000 {
			_, _ = w.Write(wire{}.msg(6, text))
		}
	}), 0o600))

	g := e2e.StartGorowatch(t, t.TempDir(), "prometheus: {url: 'http://127.0.0.1:1'}\n", "--storage.url=file://"+bucket)
	for _, key := range []string{
		"profiles/prod/shop/a/20260301T120000Z.pb.gz", "profiles/prod/shop/b/20260301T120000Z.pb.gz",
		"profiles/prod/shop/a/../../../../../etc/passwd", "profiles/prod/shop/a/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
	} {
		for _, path := range []string{"/api/v1/profiles/" + key, "/api/v1/diff?head=" + url.QueryEscape(key)} {
			code, body := read(t, g.URL+path)
			require.GreaterOrEqual(t, code, 300, path)
			require.NotContains(t, body, "root:", path)
			require.NotContains(t, body, "hunter2", path)
		}
	}

	for range 2 {
		code, body := read(t, g.URL+"/api/v1/diff?head="+url.QueryEscape(bomb))
		require.GreaterOrEqual(t, code, 400, body)
	}
	require.NoFileExists(t, file)
	require.FileExists(t, filepath.Join(bucket, "aside", filepath.FromSlash(bomb)), "another start does not decode it")
	require.Equal(t, 1.0, g.Metric(t, "gorowatch_archive_documents_set_aside_total"))
	require.NoError(t, get(g.URL+"/-/healthy"))
}

// read makes a request, and follows no redirect.
func read(t *testing.T, url string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}
