package app

import (
	"context"
	"encoding/json"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/archive"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/shard"
	"github.com/gorowatch/gorowatch/leak"
)

// fetch requests a path of an address unchanged, without a login.
func (r *running) fetch(host, pathAndQuery string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+host+pathAndQuery, nil)
	require.NoError(r.t, err)
	req.Host = "pictures.example.org"
	resp, err := r.client.Do(req)
	require.NoError(r.t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	return resp.StatusCode, string(text)
}

func withPictures(t *testing.T, c *config.Config) *config.Config {
	t.Helper()
	u, err := url.Parse("https://pictures.example.org/")
	require.NoError(t, err)
	c.Alerting.Images = config.Images{Enabled: true, ExternalURL: commoncfg.URL{URL: u}}
	return c
}

// picture returns the path of the picture of a leak that does not exist, signed once there is a
// key.
func picture(r *running) (path string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		path = strings.TrimPrefix(r.pictures.URL(leak.Leak{ID: "abc", UpdatedAt: time.Now()}), "https://pictures.example.org")
		return path != ""
	}, patience, 10*time.Millisecond)
	return path
}

// TestPicturesBehindALogin: with a login, the address of the pages asks for it, and the address
// of pictures serves signed requests and nothing else.
func TestPicturesBehindALogin(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "web.yml"), "basic_auth_users: {oncall: $2a$04$WJ.FENak60oXkyNXo0tc4e3rrvXWkvAsQSoUgHYHnZRqoVZJbVAyq}\n")
	o := Options{Web: listenOn("127.0.0.1:0"), Config: withPictures(t, fast(t, newPrometheus(t).URL)), PictureAddress: "127.0.0.1:0"}
	o.Web.WebConfigFile = &file
	r := start(t, o)
	signed := picture(r)

	code, _ := r.fetch(r.Addr(), signed)
	require.Equal(t, http.StatusUnauthorized, code)
	code, text := r.fetch(r.PictureAddr(), signed)
	require.Equal(t, http.StatusNotFound, code)
	require.Contains(t, text, "No leak with this ID", "the signature is valid")
	code, text = r.fetch(r.PictureAddr(), strings.Replace(signed, "abc.png", "abd.png", 1))
	require.Equal(t, http.StatusForbidden, code, text)
	for _, path := range []string{"/", "/leaks/abc", "/api/v1/leaks", "/metrics", "/-/healthy", "/static/page.js", "/debug/pprof/"} {
		code, text := r.fetch(r.PictureAddr(), path)
		require.Equal(t, http.StatusNotFound, code, path)
		require.Contains(t, text, "Only pictures of leaks are served here.", path)
	}
}

// TestPicturesWithoutALogin: the address of the pages serves pictures under any host name.
// Requests without a signature get no information.
func TestPicturesWithoutALogin(t *testing.T) {
	r := start(t, Options{Config: withPictures(t, fast(t, newPrometheus(t).URL))})
	require.Empty(t, r.PictureAddr())
	signed := picture(r)
	code, text := r.fetch(r.Addr(), signed)
	require.Equal(t, http.StatusNotFound, code, text)
	code, _ = r.fetch(r.Addr(), "/leaks/abc.png")
	require.Equal(t, http.StatusForbidden, code)
	code, text = r.fetch(r.Addr(), "/leaks/abc")
	require.Equal(t, http.StatusForbidden, code, "a page under a strange host name")
	require.Contains(t, text, "host name")
}

func TestPicturesAreOffByDefault(t *testing.T) {
	r := start(t, Options{Config: fast(t, newPrometheus(t).URL)})
	require.Empty(t, r.pictures.URL(leak.Leak{ID: "abc", UpdatedAt: time.Now()}))
	code, text := r.fetch(r.Addr(), "/leaks/abc.png?expires=1&signature=x")
	require.Equal(t, http.StatusNotFound, code)
	require.Contains(t, text, "Pictures are off")
}

// TestPictureKeyFile: a key that is too short stops the start and names the key of the
// configuration.
func TestPictureKeyFile(t *testing.T) {
	c := withPictures(t, fast(t, newPrometheus(t).URL))
	c.Alerting.Images.KeyFile = write(t, filepath.Join(t.TempDir(), "key"), "short\n")
	_, err := New(t.Context(), Options{Web: listenOn("127.0.0.1:0"), Config: c})
	require.ErrorContains(t, err, "alerting.images.key_file: ")
	require.ErrorContains(t, err, "the key has 5 bytes, expected at least 32")
	_, err = New(t.Context(), Options{Web: listenOn("127.0.0.1:0"), Config: fast(t, newPrometheus(t).URL), PictureAddress: "nowhere"})
	require.ErrorContains(t, err, "--web.images-listen-address: ")
}

// TestPictureOfAnAlert: the address in the alert of a firing leak returns its picture.
func TestPictureOfAnAlert(t *testing.T) {
	addresses := make(chan string, 100)
	am := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var list []struct{ Annotations map[string]string }
		if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, a := range list {
			if u := a.Annotations["image_url"]; u != "" {
				select {
				case addresses <- u:
				default:
				}
			}
		}
	}))
	defer am.Close()
	dir := t.TempDir()
	old, err := archive.Open(t.Context(), "file://"+dir, archive.Options{GroupBy: []string{"job"}, Decode: func(context.Context, io.Reader, time.Time) (*collector.Profile, error) { return nil, nil }})
	require.NoError(t, err)
	since := time.Now().Add(-time.Hour).Truncate(time.Second)
	require.NoError(t, old.SaveLeak(t.Context(), leak.Leak{
		ID: "abc123", Service: labels.FromStrings("namespace", "prod", "job", "shop"), State: leak.Firing, Evidence: leak.Growth,
		Onset: since, DetectedAt: since, UpdatedAt: since, Leaked: 100, Instances: []string{"127.0.0.1:1"}, InstancesTotal: 1,
	}))
	require.NoError(t, old.Close())

	conf := withPictures(t, fast(t, newPrometheus(t).URL))
	conf.Storage.URL = "file://" + dir
	conf.Alerting.ResendInterval = model.Duration(100 * time.Millisecond)
	conf.Alerting.Alertmanagers = []config.Alertmanager{{
		Scheme: "http", Timeout: model.Duration(time.Second), HTTPClientConfig: commoncfg.DefaultHTTPClientConfig,
		StaticConfigs: []config.StaticConfig{{Targets: []string{am.Listener.Addr().String()}}},
	}}
	r := start(t, Options{Config: conf, PictureAddress: "127.0.0.1:0"})
	select {
	case got := <-addresses:
		path, ok := strings.CutPrefix(got, "https://pictures.example.org")
		require.True(t, ok, got)
		code, text := r.fetch(r.PictureAddr(), path)
		require.Equal(t, http.StatusOK, code, text)
		_, err := png.Decode(strings.NewReader(text))
		require.NoError(t, err)
	case <-time.After(patience):
		t.Fatalf("no alert with a picture\n%s", r.log)
	}
	require.FileExists(t, filepath.Join(dir, "keys", "pictures.key"))
	require.NoError(t, r.stop())
}

// TestPicturesOfAShard: the address of a picture leads to the shard that has the leak.
func TestPicturesOfAShard(t *testing.T) {
	third, err := shard.Parse("2/3")
	require.NoError(t, err)
	c := withPictures(t, fast(t, newPrometheus(t).URL))
	c.Alerting.Images.ExternalURL.URL, err = url.Parse("https://pictures-$(SHARD).example.org/")
	require.NoError(t, err)
	r := start(t, Options{Web: listenOn("127.0.0.1:0"), Config: c, Shard: third})
	require.Contains(t, picture(r), "https://pictures-2.example.org/leaks/abc.png?expires=")
}
