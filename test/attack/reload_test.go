package attack

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/test/e2e"
)

// By default, gorowatch changes no state on request.
func TestReloadIsOffByDefault(t *testing.T) {
	t.Parallel()
	g := e2e.StartGorowatch(t, t.TempDir(), "prometheus: {url: 'http://127.0.0.1:1'}\n")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL+"/-/reload", nil)
	require.NoError(t, err)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
}
