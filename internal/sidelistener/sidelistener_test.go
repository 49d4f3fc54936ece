package sidelistener

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServesUntilTheEnd(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	s, err := Listen("--x.listen-address", "127.0.0.1:0", h, 4, quiet)
	require.NoError(t, err)
	s.LimitWriting()
	_, err = Listen("--x.listen-address", s.Addr(), h, 4, quiet)
	require.ErrorContains(t, err, "--x.listen-address: listen tcp")

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + s.Addr() + "/here")
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "/here", string(text))
	cancel()
	require.NoError(t, <-ended)
	require.NoError(t, s.Close())
	_, err = client.Get("http://" + s.Addr() + "/here")
	require.Error(t, err)
}

func TestNoServer(t *testing.T) {
	var s *Server
	require.Empty(t, s.Addr())
	require.NoError(t, s.Run(t.Context()))
}
