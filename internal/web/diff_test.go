package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// signatureOf returns the signature of the stack that has a function.
func signatureOf(t *testing.T, p *collector.Profile, function string) string {
	t.Helper()
	for sig, s := range stack.Of(p).Stacks {
		for _, f := range s.Frames {
			if f.Func == function {
				return sig
			}
		}
	}
	t.Fatalf("no stack has %s", function)
	return ""
}

func diffURL(part, base, head string) string {
	return part + "?" + url.Values{"base": {base}, "head": {head}}.Encode()
}

func TestDiff(t *testing.T) {
	s := archived()
	base, head := s.refs[0].Key, s.refs[1].Key
	d := apiData[v1.Diff](t, options(leaking()), diffURL("/api/v1/diff", base, head))
	require.EqualValues(t, 1957, d.Growth)
	require.EqualValues(t, 61, d.Base.Goroutines)
	require.Equal(t, []string{"main.logHandler.func1 handler.go:29"}, d.Stacks[0].Frames)
	require.EqualValues(t, 1904, d.Stacks[0].Delta)
	require.EqualValues(t, 2018, d.Root.Head)
	leaf := d.Root.Children[0]
	require.Equal(t, "main.logHandler.func1", leaf.Name)
	require.Equal(t, "handler.go:29", leaf.Place)
	require.Equal(t, "chan send", leaf.Children[0].Name, "what they wait in is the last of it")
	require.EqualValues(t, 12, leaf.Children[0].Base)
	require.True(t, d.Root.Children[1].Standard)

	d = apiData[v1.Diff](t, options(leaking()), diffURL("/api/v1/diff", "", head))
	require.Nil(t, d.Base)
	require.EqualValues(t, 2018, d.Growth, "everything is new")
}

// Where somebody else has released the program, the hint addresses who runs it, for people who
// ask the API and for agents.
func TestDiffOfAReleasedProgram(t *testing.T) {
	for file, want := range map[string]string{
		"go.etcd.io/etcd/server/v3/main.go": "go.etcd.io/etcd is not your code: look for clients",
		"/src/shop/main.go":                 "in a closure of logHandler: the receiver probably returned first",
	} {
		shelf := archived()
		for _, p := range shelf.byKey {
			p.Records = append(p.Records, collector.Record{Count: 1, Frames: []*collector.Frame{{Func: "runtime.gopark"}, {Func: "runtime.chanrecv1"}, {Func: "main.main", File: file, Line: 31}, {Func: "runtime.main"}}})
			p.Total++
		}
		o := options(leaking())
		o.Profiles = shelf
		o.MCP, o.AllowedHosts = true, []string{"*"}
		o.ExternalURL = &url.URL{Scheme: "http", Host: "gorowatch.example"}
		base, head := shelf.refs[0].Key, shelf.refs[1].Key
		d := apiData[v1.Diff](t, o, diffURL("/api/v1/diff", base, head))
		require.Contains(t, d.Stacks[0].Hint.Sentence, want)

		var compared struct{ Stacks []struct{ Hint string } }
		call(t, agent(t, o), "compare_profiles", map[string]any{"base": base, "head": head}, &compared)
		require.Contains(t, compared.Stacks[0].Hint, want)
	}
}

func TestDiffThatCannotBeHad(t *testing.T) {
	o, s := options(leaking()), archived()
	base, head := s.refs[0].Key, s.refs[1].Key
	s.byKey[base] = nil
	o.Profiles = s
	for path, want := range map[string]struct {
		code int
		text string
	}{
		diffURL("/api/v1/diff", base, head):                          {http.StatusBadGateway, "the profile cannot be read: not_a_profile"},
		diffURL("/api/v1/diff", "", "profiles/gone.pb.gz"):           {http.StatusNotFound, "it may have been older than the retention"},
		diffURL("/api/v1/diff", "", "leaks/3f9c2a7b.json"):           {http.StatusBadRequest, "head: expected the key of a profile"},
		diffURL("/api/v1/diff", "profiles/../leaks", head):           {http.StatusBadRequest, "base: expected the key of a profile"},
		diffURL("/api/v1/diff", "", ""):                              {http.StatusBadRequest, "head: expected"},
		diffURL("/compare/table", base, head):                        {http.StatusBadGateway, "Cannot compare the profiles: the profile cannot be read: not_a_profile."},
		diffURL("/compare/table", "", "profiles/gone.pb.gz"):         {http.StatusNotFound, "it may have been older than the retention"},
		"/pprof/" + pprofName(base) + "/" + pprofName(head) + "/top": {http.StatusBadGateway, "not_a_profile"},
		"/pprof/-/" + pprofName("leaks/x.json") + "/top":             {http.StatusBadRequest, "head: expected"},
		"/pprof/-/!!/top": {http.StatusBadRequest, "head: expected"},
	} {
		r := get(t, o, path)
		text := body(t, r)
		require.Equal(t, want.code, r.StatusCode, "%s: %s", path, text)
		require.Contains(t, text, want.text, path)
		require.NotContains(t, text, "hunter2", path)
	}
	require.Equal(t, http.StatusOK, get(t, o, diffURL("/compare", base, head)).StatusCode, "the page comes, the part says so")
	require.Equal(t, http.StatusNotFound, get(t, o, "/compare").StatusCode)

	s.listing = errors.New("s3://bucket?secret=hunter2: down")
	picker := get(t, o, "/services/"+view.ServiceID(checkout)+"/profiles")
	require.Equal(t, http.StatusBadGateway, picker.StatusCode)
	require.Contains(t, body(t, picker), "Cannot list the profiles: the archive cannot be read now; the log says why.")
}

// TestPprof: the views are pprof's own, and only the harmless ones.
func TestPprof(t *testing.T) {
	s := archived()
	path := "/pprof/" + pprofName(s.refs[0].Key) + "/" + pprofName(s.refs[1].Key) + "/"
	for view, want := range map[string]string{"flamegraph": "main.logHandler.func1", "top": "main.logHandler.func1", "peek": "main.logHandler.func1"} {
		r := get(t, options(leaking()), path+view)
		require.Equal(t, http.StatusOK, r.StatusCode)
		require.Contains(t, r.Header.Get("Content-Security-Policy"), "sandbox allow-scripts")
		require.NotContains(t, r.Header.Get("Content-Security-Policy"), "allow-same-origin")
		page := body(t, r)
		require.Contains(t, page, want, view)
		require.Contains(t, page, `<a href="/compare?base=profiles`, "the way back")
		require.Contains(t, page, `#graphbtn, #list, #disasm, #config, #download { display: none !important; }`, "no dead entries")
	}
	require.Contains(t, body(t, get(t, options(leaking()), path+"top")), "1904")
	for _, view := range []string{"source", "disasm", "graph", "saveconfig", "deleteconfig", "download", "..%2fsource"} {
		r := get(t, options(leaking()), path+view+"?f=.&config=x")
		require.Equal(t, http.StatusNotFound, r.StatusCode, view)
	}
	require.Equal(t, http.StatusFound, get(t, options(leaking()), path).StatusCode)
}

func TestPull(t *testing.T) {
	s := leaking()
	o := options(s)
	form := func(path, instance string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{"instance": {url.QueryEscape(instance)}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	const page, api = "/leaks/3f9c2a7b/profile", "/profiles?instance=10.0.3.17:8080"
	service := "/services/" + view.ServiceID(checkout)
	off := do(t, o, form(page, "10.0.3.17:8080"))
	require.Equal(t, http.StatusForbidden, off.StatusCode)
	require.Contains(t, body(t, off), "--web.enable-admin-api")
	require.Equal(t, http.StatusForbidden, do(t, o, form(service+"/profile", "10.0.3.17:8080")).StatusCode)
	require.Equal(t, http.StatusForbidden, do(t, o, httptest.NewRequest(http.MethodPost, "/api/v1"+service+api, nil)).StatusCode)
	require.NotContains(t, body(t, get(t, o, "/leaks/3f9c2a7b")), "Take a profile now")

	var took []string
	var fails error
	key := archived().refs[1].Key
	o.Puller = pulling(func(_ context.Context, service labels.Labels, in view.Instance) (leak.ProfileRef, error) {
		took = append(took, service.Get("job")+" "+in.Name)
		return leak.ProfileRef{Key: key, Instance: in.Name, Time: at}, fails
	})
	require.Contains(t, body(t, get(t, o, "/leaks/3f9c2a7b")), "Take a profile now")
	done := do(t, o, form(page, "10.0.3.17:8080"))
	require.Equal(t, http.StatusSeeOther, done.StatusCode)
	require.Equal(t, diffURL("/compare", archived().refs[0].Key, key), done.Header.Get("Location"), "leads to what changed")
	require.Equal(t, http.StatusSeeOther, do(t, o, form(service+"/profile", "10.0.3.19:8080")).StatusCode)
	r := do(t, o, httptest.NewRequest(http.MethodPost, "/api/v1"+service+api, nil))
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.Contains(t, body(t, r), key)
	require.Equal(t, []string{"checkout 10.0.3.17:8080", "checkout 10.0.3.19:8080", "checkout 10.0.3.17:8080"}, took)

	require.Equal(t, http.StatusBadRequest, do(t, o, form(page, "10.9.9.9:80")).StatusCode, "it does not leak")
	require.Equal(t, http.StatusNotFound, do(t, o, form(service+"/profile", "10.9.9.9:80")).StatusCode, "it is not watched")
	require.Equal(t, http.StatusNotFound, do(t, o, form("/leaks/nosuch/profile", "10.0.3.17:8080")).StatusCode)
	require.Equal(t, http.StatusNotFound, do(t, o, form("/services/nosuch/profile", "10.0.3.17:8080")).StatusCode)
	require.Equal(t, http.StatusMethodNotAllowed, get(t, o, page).StatusCode)
	foreign := form(page, "10.0.3.17:8080")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, do(t, o, foreign).StatusCode, "another site's page takes none")
	require.Len(t, took, 3)

	fails = collector.Errorf(collector.ReasonBudget, "not pulled to spare the target")
	refused := do(t, o, form(page, "10.0.3.17:8080"))
	require.Equal(t, http.StatusTooManyRequests, refused.StatusCode)
	require.Contains(t, text(body(t, refused)), "No profile was taken: not pulled to spare the target")
	require.Equal(t, http.StatusTooManyRequests, do(t, o, httptest.NewRequest(http.MethodPost, "/api/v1"+service+api, nil)).StatusCode)
}
