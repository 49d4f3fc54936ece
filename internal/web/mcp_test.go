package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"
)

// agent connects the protocol's own client to a served handler.
func agent(t *testing.T, o Options) *sdk.ClientSession {
	h, err := New(o)
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	c := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	session, err := c.Connect(t.Context(), &sdk.StreamableClientTransport{Endpoint: server.URL + o.ExternalURL.Path + mcpPath, HTTPClient: client, DisableStandaloneSSE: true}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// call calls a tool, and reads its structured answer.
func call(t *testing.T, s *sdk.ClientSession, tool string, args any, into any) {
	t.Helper()
	r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	require.NoError(t, err)
	require.False(t, r.IsError, "%v", r.Content)
	b, err := json.Marshal(r.StructuredContent)
	require.NoError(t, err)
	require.Less(t, len(b), 20_000, "an agent has to read all of it")
	require.NoError(t, json.Unmarshal(b, into))
	t.Logf("%s %v\n%s", tool, args, b)
}

// A session from "is anything leaking?" to the line and what to do about it.
func TestAgentFindsTheLine(t *testing.T) {
	o := options(leaking())
	o.MCP = true
	o.ExternalURL = &url.URL{Scheme: "http", Host: "gorowatch.example", Path: "/leak"}
	o.AllowedHosts = []string{"*"}
	s := agent(t, o)

	tools, err := s.ListTools(t.Context(), nil)
	require.NoError(t, err)
	for _, tool := range tools.Tools {
		require.True(t, tool.Annotations.ReadOnlyHint, tool.Name)
		require.NotEqual(t, "scan_range", tool.Name, "a server has no Prometheus of its own to scan")
	}

	var found struct {
		Leaks []struct{ ID, State, Function, Page string }
		Total int
	}
	call(t, s, "list_leaks", map[string]any{"state": "firing", "limit": 1}, &found)
	require.Len(t, found.Leaks, 1)
	first := found.Leaks[0]
	require.Equal(t, "firing", first.State)
	require.Contains(t, first.Function, "main.logHandler.func1")
	require.Equal(t, "http://gorowatch.example/leak/leaks/"+first.ID, first.Page)

	var why struct {
		Sentence, Kind, Head, Base string
		WhatToDo                   string `json:"what_to_do"`
		Stacks                     []struct {
			State  string
			Frames []string
		}
	}
	call(t, s, "explain_leak", map[string]any{"id": first.ID}, &why)
	require.Contains(t, why.Sentence, "prod/checkout has leaked")
	require.Contains(t, why.Sentence, "main.logHandler.func1")
	require.NotEmpty(t, why.Stacks)
	require.NotEmpty(t, why.Stacks[0].Frames)

	require.Equal(t, "chan-send", why.Kind)
	require.NotEmpty(t, why.WhatToDo)
	var page struct{ Text, Page string }
	call(t, s, "kinds_of_leaks", map[string]any{"kind": why.Kind}, &page)
	require.Contains(t, page.Text, "# ")
	require.Equal(t, "http://gorowatch.example/leak/help/leaks/chan-send", page.Page)
	var verdict struct {
		Status    string
		Instances []struct {
			Instance     string
			Explanations map[string]float64
		}
	}
	call(t, s, "service_verdict", map[string]any{"service": "prod/checkout"}, &verdict)
	require.Equal(t, "leaking", verdict.Status)
	require.Equal(t, 0.97, verdict.Instances[0].Explanations["leak"])
	var rollout struct {
		Verdict  string
		Reasons  []string
		Services []struct{ ID, Page string }
	}
	call(t, s, "rollout_verdict", map[string]any{"match": `job="checkout"`, "since": "20m"}, &rollout)
	require.Contains(t, []string{"pass", "fail", "undecided"}, rollout.Verdict)
	require.NotEmpty(t, rollout.Reasons)
	require.Equal(t, "http://gorowatch.example/leak/services/"+rollout.Services[0].ID, rollout.Services[0].Page)
	call(t, s, "find_stacks", map[string]any{"function": "logHandler"}, &found)
	require.NotEmpty(t, found.Leaks)
}

// Questions that cannot be answered get an error that says why; results are no instructions.
func TestAgentAsksForTooMuch(t *testing.T) {
	w := leaking()
	o := options(w)
	o.MCP, o.AllowedHosts = true, []string{"*"}
	o.ExternalURL = &url.URL{Scheme: "http", Host: "gorowatch.example"}
	s := agent(t, o)
	for tool, x := range map[string]struct {
		args map[string]any
		want string
	}{
		"explain_leak":     {map[string]any{"id": "../../status"}, "no "},
		"service_verdict":  {map[string]any{"service": "prod"}, "services, expected one of prod/checkout ("},
		"compare_profiles": {map[string]any{"head": "../../etc/passwd"}, ""},
		"rollout_verdict":  {map[string]any{"match": "job="}, "match: "},
		"find_stacks":      {map[string]any{"function": " "}, "function is empty"},
		"kinds_of_leaks":   {map[string]any{"kind": "../glossary"}, "expected one of chan-receive, chan-send"},
		"list_leaks":       {map[string]any{"state": "bogus"}, "state: expected suspected"},
	} {
		r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: x.args})
		require.NoError(t, err, tool)
		require.True(t, r.IsError, tool)
		require.Contains(t, r.Content[0].(*sdk.TextContent).Text, x.want, tool)
	}
	r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: "list_leaks", Arguments: map[string]any{"limit": 1 << 40, "x": 1}})
	require.True(t, err != nil || r.IsError, "an unknown argument is refused")
}

// It is off by default, and pages of other sites may not use it.
func TestAgentsAreOff(t *testing.T) {
	o := options(leaking())
	r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader("{}"))
	require.Equal(t, http.StatusNotFound, do(t, o, r).StatusCode)

	o.MCP = true
	r = httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader("{}"))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, do(t, o, r).StatusCode)
}
