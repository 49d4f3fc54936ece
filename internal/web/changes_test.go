package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/forge"
	"github.com/gorowatch/gorowatch/internal/web/actions"
)

// TestSuspectChanges: the page of a leak links to the comparison of the versions and has the
// commits of the file, and does not wait for the forge.
func TestSuspectChanges(t *testing.T) {
	gate := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-gate
		if r.URL.Path != "/repos/acme/checkout/commits" || r.FormValue("path") != "handler.go" || r.Header.Get("Authorization") != "" {
			http.Error(w, r.URL.String(), http.StatusTeapot)
			return
		}
		if r.FormValue("sha") == "v1.41.3" {
			io.WriteString(w, `[{"sha":"c1","commit":{"message":"first"}}]`)
			return
		}
		io.WriteString(w, `[{"sha":"c2","html_url":"https://github.com/acme/checkout/commit/c2","commit":{"message":"log in <b>background</b>","author":{"name":"Ada"},"committer":{"date":"2026-03-02T10:00:00Z"}}},{"sha":"c1","commit":{"message":"first","committer":{"date":"2026-01-05T10:00:00Z"}}}]`)
	}))
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	const template = "https://github.com/acme/checkout/blob/{version}/{path}#L{line}"
	repo, err := forge.NewRepo(forge.Options{Kind: forge.GitHub, Template: template, API: s.URL, Client: client})
	require.NoError(t, err)
	history := forge.NewHistory(repo)

	state := leaking()
	state.leaks[3].Version, state.leaks[3].PreviousVersion = "v1.42.0", "v1.41.3"
	o := options(state)
	o.Backend.(*backend).links = actions.Links{
		Source:  []actions.SourceLink{{Prefix: "/src/checkout/", URL: template, History: history}},
		Compare: []actions.CompareLink{{URL: "https://github.com/acme/{job}/compare/{previous}...{version}"}},
	}
	const page = "/leaks/3f9c2a7b"
	first := text(body(t, get(t, o, page)))
	require.Contains(t, first, "Suspect changes The leak began with v1.42.0; v1.41.3 ran before. Compare the versions")
	require.Contains(t, first, "the forge is being asked, look again in some seconds.")
	close(gate)
	history.Wait()
	html := body(t, get(t, o, page))
	require.Contains(t, html, `href="https://github.com/acme/checkout/compare/v1.41.3...v1.42.0"`)
	require.Contains(t, html, `<li>2026-03-02 <a href="https://github.com/acme/checkout/commit/c2" rel="noreferrer">log in &lt;b&gt;background&lt;/b&gt;</a> <span class="muted">by Ada</span> <span class="badge">this file</span> <span class="badge">new</span></li>`)
	require.Contains(t, html, `<li>2026-01-05 first <span class="badge">this file</span></li>`)

	// A leak of unknown versions, and one without a stack.
	require.NotContains(t, body(t, get(t, o, "/leaks/a1b2c3d4")), "Suspect changes")
}

// TestSuspectChangesOfAForgeThatRefuses: the page says why there are no commits.
func TestSuspectChangesOfAForgeThatRefuses(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	repo, err := forge.NewRepo(forge.Options{Kind: forge.GitLab, Template: "https://gitlab.com/acme/checkout/-/blob/{version}/{path}", API: s.URL, Client: client})
	require.NoError(t, err)
	history := forge.NewHistory(repo)
	o := options(leaking())
	o.Backend.(*backend).links = actions.Links{Source: []actions.SourceLink{{Prefix: "/src/checkout/", History: history}}}
	get(t, o, "/leaks/3f9c2a7b")
	history.Wait()
	require.Contains(t, text(body(t, get(t, o, "/leaks/3f9c2a7b"))), "newest first: cannot be read now: the token may not read acme/checkout (403).")
}
