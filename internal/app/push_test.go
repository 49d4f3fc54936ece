package app

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime/pprof"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// ingestBody returns a form with a profile of this process.
func ingestBody(t *testing.T) (contentType string, body *bytes.Buffer) {
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	part, err := w.CreateFormFile("profile", "profile.pprof")
	require.NoError(t, err)
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(part, 0))
	require.NoError(t, w.Close())
	return w.FormDataContentType(), body
}

// ingest sends a profile and returns the answer.
func (r *running) ingest(t *testing.T, name, user, password string) (int, string) {
	typ, body := ingestBody(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.Addr()+"/ingest?name="+url.QueryEscape(name), body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", typ)
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := r.client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

const shopName = "shop{instance=127.0.0.1:1,job=shop,namespace=prod}"

// A pushed profile reaches the archive of its instance, which is then shown as a target that
// pushes.
func TestPushedProfiles(t *testing.T) {
	conf := fast(t, newPrometheus(t).URL)
	conf.Profiles.Push.Enabled = true
	r := start(t, Options{Config: conf})
	r.cycle(2)
	for r.metric(`gorowatch_push_profiles_total{result="used"}`) == 0 {
		code, text := r.ingest(t, shopName, "", "")
		require.Equal(t, http.StatusOK, code, text)
		// A baseline is due when an alert requests profiles.
		require.NoError(t, state{r.App}.RequestProfiles(state{r.App}.Services()[0].Labels, "127.0.0.1:1", "test"))
		r.cycle(1)
	}
	_, targets := r.get("/api/v1/targets")
	require.Contains(t, targets, `"last_push"`)
	require.Contains(t, targets, `"state":"up"`)
	_, page := r.get("/targets")
	require.Contains(t, page, "it pushes its profiles")

	code, text := r.ingest(t, "shop{instance=198.51.100.1:1}", "", "")
	require.Equal(t, http.StatusNotFound, code)
	require.Contains(t, text, "no watched instance has these labels")
	require.Equal(t, 1.0, r.metric(`gorowatch_push_dropped_total{reason="unknown_instance"}`))
}

func TestPushedProfilesAreOffByDefault(t *testing.T) {
	r := start(t, Options{Config: fast(t, newPrometheus(t).URL)})
	r.cycle(1)
	code, text := r.ingest(t, shopName, "", "")
	require.Equal(t, http.StatusForbidden, code)
	require.Contains(t, text, "profiles.push.enabled")
	require.Equal(t, 1.0, r.metric(`gorowatch_push_dropped_total{reason="off"}`))
}

func TestPushedProfilesNeedTheLogin(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("abacus"), bcrypt.MinCost)
	require.NoError(t, err)
	conf := fast(t, newPrometheus(t).URL)
	conf.Profiles.Push.Enabled = true
	file := write(t, filepath.Join(t.TempDir(), "web.yml"), fmt.Sprintf("basic_auth_users: {alloy: %q}\n", hash))
	flags := listenOn("127.0.0.1:0")
	flags.WebConfigFile = &file
	r := start(t, Options{Config: conf, Web: flags})
	code, _ := r.ingest(t, shopName, "", "")
	require.Equal(t, http.StatusUnauthorized, code)
	code, _ = r.ingest(t, shopName, "alloy", "guess")
	require.Equal(t, http.StatusUnauthorized, code)
	for {
		code, text := r.ingest(t, shopName, "alloy", "abacus")
		if code == http.StatusOK {
			break
		}
		require.Equal(t, http.StatusServiceUnavailable, code, text) // the first evaluation is not done
		require.Contains(t, text, "first evaluation")
	}
}
