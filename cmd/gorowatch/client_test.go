package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// If a target requires a login, the error says where to give one.
func TestLoginThatIsMissing(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer target.Close()
	for _, args := range [][]string{
		{"diff", target.URL, target.URL},
		{"check", "--target=" + target.URL, "--", "true"},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitFail, run(args, &stdout, &stderr))
		require.Contains(t, stderr.String(), target.URL+"/debug/pprof/goroutine: 401 Unauthorized")
		require.Contains(t, stderr.String(), "in the file that --http.config.file names")
		require.Empty(t, stdout.String())
	}
	err := errors.New("another")
	require.Equal(t, err, withLogin(err))
	require.NoError(t, withLogin(nil))
}
