package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// An incoming alert makes a service suspicious. Profiles are pulled at once, but only from the
// addresses of discovery, whatever addresses the message has.
func TestInbound(t *testing.T) {
	var visits atomic.Int64
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer evil.Close()
	token := write(t, filepath.Join(t.TempDir(), "token"), "abacus\n")
	conf := fast(t, newPrometheus(t).URL)
	conf.Alerting.Inbound.CredentialsFile = token
	r := start(t, Options{Config: conf})
	r.cycle(1)

	send := func(token, instance string) int {
		host := strings.TrimPrefix(evil.URL, "http://")
		text := fmt.Sprintf(`{"version":"4","externalURL":%[1]q,"alerts":[{"status":"firing","generatorURL":%[1]q,
			"labels":{"alertname":"HighMemory","namespace":"prod","job":"shop","instance":%[2]q,"__address__":%[3]q}}]}`, evil.URL, instance, host)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.Addr()+"/api/v1/alertmanager-webhook", strings.NewReader(text))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := r.client.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		return resp.StatusCode
	}
	require.Equal(t, http.StatusUnauthorized, send("guess", "127.0.0.1:1"))
	for range 20 {
		require.Equal(t, http.StatusOK, send("abacus", strings.TrimPrefix(evil.URL, "http://")))
	}
	for {
		r.cycle(1)
		if _, text := r.get("/api/v1/captures"); strings.Contains(text, "Prometheus scrapes no target") {
			require.Equal(t, 1, strings.Count(text, `"why":"HighMemory"`), "once")
			break
		}
	}
	require.Zero(t, visits.Load())
	require.GreaterOrEqual(t, r.metric(`gorowatch_profile_pulls_total{result="no_target"}`), 1.0)

	// The token is read again.
	write(t, token, "slide rule")
	require.Equal(t, http.StatusUnauthorized, send("abacus", ""))
	require.Equal(t, http.StatusOK, send("slide rule", ""))
}
