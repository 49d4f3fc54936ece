package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/triage"
	"github.com/gorowatch/gorowatch/internal/web/actions"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// triageStub is a view.Triage made of its fields.
type triageStub struct {
	entries map[string]triage.Entry
	off     bool
	err     error
}

func (s *triageStub) Entry(leak string) triage.Entry { return s.entries[leak] }
func (s *triageStub) CanSet() bool                   { return !s.off }
func (s *triageStub) Set(_ context.Context, e triage.Entry) error {
	if s.err == nil {
		s.entries[e.Leak] = e
	}
	return s.err
}

// acting makes options in which all actions on a leak are possible.
func acting() (Options, *triageStub) {
	o := options(leaking())
	of(o).links = actions.Links{
		Alertmanager: "https://am.example.com",
		Issues:       []actions.IssueLink{{Name: "GitHub", URL: "https://github.com/acme/{job}/issues/new?title={title}&body={body}"}},
		Owners:       []actions.OwnerRule{{Owner: "#{namespace}-oncall"}},
	}
	s := &triageStub{entries: map[string]triage.Entry{}}
	o.Triage = s
	o.Puller = pulling(func(context.Context, labels.Labels, view.Instance) (leak.ProfileRef, error) {
		return leak.ProfileRef{}, collector.Errorf(collector.ReasonBudget, "the budget allows the next profile in 40 s")
	})
	return o, s
}

// post posts a form.
func post(t *testing.T, o Options, path string, form url.Values) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, o, r)
}

// TestActions: the actions on a leak come first on its page.
func TestActions(t *testing.T) {
	o, _ := acting()
	page := body(t, get(t, o, "/leaks/3f9c2a7b"))
	before, _, _ := strings.Cut(page, "<dl class=\"facts\">")
	words := text(before)
	for _, want := range []string{
		"What to do next", "Usually:", "About this kind of leak", "Owner: #prod-oncall (from the configuration)",
		"Silence in Alertmanager", "Open an issue in GitHub", "Expected", "Expect this leak", `matchers: - job="checkout" - namespace="prod"`, "Copy as Markdown",
		"| `main.logHandler.func1` handler.go:29, chan send | 12 | 1,916 | +1,904 | 97 % |", "Difference: .pb.gz · .speedscope.json · .collapsed.txt", "Take a profile",
	} {
		require.Contains(t, words, want)
	}
	require.Contains(t, before, "https://am.example.com/#/silences/new?filter=%7Balertname=%22GoroutineLeak%22%2Cleak=%223f9c2a7b%22%7D&amp;comment=Goroutine%20leak")
	require.Contains(t, before, `href="/help/leaks/chan-send"`)
	require.Equal(t, http.StatusOK, get(t, o, "/help/leaks/chan-send").StatusCode)

	resolved := text(body(t, get(t, o, "/leaks/feedbeef")))
	require.NotContains(t, resolved, "Silence in Alertmanager", "it is over")
	require.Contains(t, resolved, "it sat in")
	unattributed := text(body(t, get(t, o, "/leaks/a1b2c3d4")))
	require.Contains(t, unattributed, "An expectation needs a stack, and this leak has none yet.")
}

// TestExpected: a person marks a leak as expected, and removes that again.
func TestExpected(t *testing.T) {
	o, said := acting()
	const path = "/leaks/3f9c2a7b/expected"
	r := post(t, o, path, url.Values{"reason": {"known since March"}, "until": {"2026-03-31"}})
	require.Equal(t, http.StatusSeeOther, r.StatusCode)
	require.Equal(t, "/leaks/3f9c2a7b#expected", r.Header.Get("Location"))
	x := said.entries["3f9c2a7b"].Expected
	require.Equal(t, checkout, x.Service)
	require.Equal(t, leaking().leaks[3].Stacks[0].Signature, x.Signature)
	require.Equal(t, "2026-04-01T00:00:00Z", x.Until.Format("2006-01-02T15:04:05Z"), "the day is included")
	page := text(body(t, get(t, o, "/leaks/3f9c2a7b")))
	require.Contains(t, page, "Expected until 2026-04-01 00:00 UTC : known since March")
	require.Contains(t, page, "No longer expected")

	require.Equal(t, http.StatusSeeOther, post(t, o, path, url.Values{"end": {"1"}}).StatusCode)
	require.Nil(t, said.entries["3f9c2a7b"].Expected)

	// A refused action is answered where the click was: its panel is open and says why.
	for _, c := range []struct {
		path    string
		form    url.Values
		code    int
		problem string
	}{
		{path, url.Values{"reason": {" "}, "until": {"2026-03-31"}}, 400, "expected.reason: is empty, expected why the leak may go on"},
		{path, url.Values{"reason": {"x"}, "until": {"2026-03-01"}}, 400, "expected.until: 2026-03-02 is past, expected a later day"},
		{path, url.Values{"reason": {"x"}, "until": {"soon"}}, 400, `expected.until: "soon" is not a day`},
		{"/leaks/a1b2c3d4/expected", url.Values{"reason": {"x"}}, 400, "expected: the leak has no stack yet"},
		{"/leaks/3f9c2a7b/owner", url.Values{"note": {strings.Repeat("x", triage.MaxNote+1)}}, 400, "note: has 4001 bytes, expected at most 4000"},
		{"/leaks/3f9c2a7b/profile", url.Values{"instance": {"10.0.3.17%3A8080"}}, 429, "No profile was taken: the budget allows the next profile in 40 s"},
		{"/leaks/nosuch/expected", nil, 404, "There is no leak with the id nosuch."},
	} {
		r := post(t, o, c.path, c.form)
		require.Equal(t, c.code, r.StatusCode, c.problem)
		page := body(t, r)
		require.Contains(t, text(page), c.problem)
		if c.code != 404 {
			_, action, _ := strings.Cut(strings.TrimPrefix(c.path, "/leaks/"), "/")
			require.Regexp(t, `id="`+action+`" open>`, page, "the panel is open")
		}
	}
	said.err = triage.ErrNotKept
	require.Contains(t, text(body(t, post(t, o, path, url.Values{"reason": {"x"}}))), "Nothing has changed: the archive cannot be written")
	said.off = true
	r = post(t, o, path, url.Values{"reason": {"x"}})
	require.Equal(t, http.StatusForbidden, r.StatusCode)
	require.Contains(t, text(body(t, r)), "set --web.enable-admin-api")
	require.NotContains(t, body(t, get(t, o, "/leaks/3f9c2a7b")), `action="/leaks/3f9c2a7b/expected`, "no form that would be refused")
}

func TestOwner(t *testing.T) {
	o, said := acting()
	require.Equal(t, http.StatusSeeOther, post(t, o, "/leaks/3f9c2a7b/owner", url.Values{"owner": {"alice"}, "note": {"see <b>PAY-1</b>\nand PAY-2"}}).StatusCode)
	require.Equal(t, "alice", said.entries["3f9c2a7b"].Owner)
	page := body(t, get(t, o, "/leaks/3f9c2a7b"))
	require.Contains(t, page, "see &lt;b&gt;PAY-1&lt;/b&gt;\nand PAY-2")
	require.Contains(t, text(page), "Owner: alice Note:")
}

// TestTriageOverTheAPI: the same for programs.
func TestTriageOverTheAPI(t *testing.T) {
	o, said := acting()
	put := func(text string) *http.Response {
		return do(t, o, httptest.NewRequest(http.MethodPut, "/api/v1/leaks/3f9c2a7b/triage", strings.NewReader(text)))
	}
	r := put(`{"owner": "#payments", "expected": {"reason": "fixed in v2.4", "until": "2026-12-31"}}`)
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.Contains(t, body(t, r), `"owner":"#payments","note":"","expected":{"reason":"fixed in v2.4","until":"2027-01-01T00:00:00Z"}`)
	require.Equal(t, "fixed in v2.4", said.entries["3f9c2a7b"].Expected.Reason)
	for text, problem := range map[string]string{
		`{"expected": {"reason": "x", "until": "soon"}}`: `expected.until: \"soon\" is not a day`,
		`{"expected": {"until": "2026-12-31"}}`:          "expected.reason: is empty",
		`{"color": "red"}`:                               "expected owner, note and expected (reason, until) as JSON",
		`{`:                                              "expected owner, note and expected",
	} {
		r := put(text)
		require.Equal(t, http.StatusBadRequest, r.StatusCode, text)
		require.Contains(t, body(t, r), problem)
	}
	require.Equal(t, "#payments", said.entries["3f9c2a7b"].Owner, "what was refused changes nothing")
	said.off = true
	require.Equal(t, http.StatusForbidden, put(`{}`).StatusCode)
	// A page of another site cannot do it.
	said.off = false
	cross := httptest.NewRequest(http.MethodPut, "/api/v1/leaks/3f9c2a7b/triage", strings.NewReader(`{}`))
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, do(t, o, cross).StatusCode)
}

// TestExport: profiles come as files that other tools read.
func TestExport(t *testing.T) {
	o, _ := acting()
	shelf := archived()
	at := diffURL("/api/v1/export", shelf.refs[0].Key, shelf.refs[1].Key)
	for format, name := range map[string]string{"pprof": "-difference.pb.gz", "speedscope": "-difference.speedscope.json", "collapsed": "-difference.collapsed.txt"} {
		r := get(t, o, at+"&format="+format)
		require.Equal(t, http.StatusOK, r.StatusCode, format)
		require.Contains(t, r.Header.Get("Content-Disposition"), name)
		require.NotEmpty(t, body(t, r))
	}
	require.Contains(t, body(t, get(t, o, at+"&format=collapsed")), "main.logHandler.func1;runtime.chansend1;runtime.chansend;runtime.gopark 12 1916\n")
	require.Contains(t, body(t, get(t, o, at+"&format=svg")), "format: expected pprof, speedscope or collapsed")
}
