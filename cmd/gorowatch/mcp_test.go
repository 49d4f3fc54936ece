package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"
)

// agentOf connects a client to the command's server.
func agentOf(t *testing.T, f mcpFlags) *sdk.ClientSession {
	empty := ""
	for _, p := range []**string{&f.url, &f.httpConfig, &f.prometheus, &f.prometheusConfig} {
		if *p == nil {
			*p = &empty
		}
	}
	s, err := f.server()
	require.NoError(t, err)
	here, there := sdk.NewInMemoryTransports()
	_, err = s.Connect(t.Context(), there, nil)
	require.NoError(t, err)
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), here, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// An agent gets an explanation if the gorowatch or the Prometheus fails.
func TestMCPSaysWhatIsWrong(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>login</html>")) }))
	t.Cleanup(page.Close)
	s := agentOf(t, mcpFlags{apiFlags: apiFlags{url: &page.URL}, prometheus: &page.URL})
	for tool, x := range map[string]struct {
		args map[string]any
		want string
	}{
		"list_leaks": {nil, "something that is not gorowatch's API"},
		"scan_range": {map[string]any{"start": "yesterday"}, `start: "yesterday": expected a time as 2006-01-02T15:04:05Z`},
	} {
		r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: x.args})
		require.NoError(t, err, tool)
		require.True(t, r.IsError, tool)
		require.Contains(t, r.Content[0].(*sdk.TextContent).Text, x.want)
	}
	r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: "scan_range", Arguments: map[string]any{"start": "2026-01-01T00:00:00Z", "end": "2026-06-01T00:00:00Z"}})
	require.NoError(t, err)
	require.Contains(t, r.Content[0].(*sdk.TextContent).Text, "at most 31 days")
	r, err = s.CallTool(t.Context(), &sdk.CallToolParams{Name: "scan_range", Arguments: map[string]any{"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}})
	require.NoError(t, err)
	require.True(t, r.IsError, "the page is no Prometheus")
}

func TestMCPWantsAURL(t *testing.T) {
	bad, empty := "gorowatch:10980", ""
	_, err := (&mcpFlags{apiFlags: apiFlags{&bad, &empty}, prometheus: &empty}).server()
	require.ErrorContains(t, err, `--url: "gorowatch:10980": expected a URL as http://gorowatch:10980`)
}
