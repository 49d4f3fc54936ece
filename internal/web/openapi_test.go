package web

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// document is docs/openapi.yaml.
func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../../docs/openapi.yaml")
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	return doc
}

// TestOpenAPIHasEveryPath, and docs/api.md too.
func TestOpenAPIHasEveryPath(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	require.NoError(t, err)
	documented := map[string]bool{}
	for path, item := range document(t).Paths.Map() {
		for method := range item.Operations() {
			documented[method+" "+path] = true
		}
	}
	h, err := New(options(leaking()))
	require.NoError(t, err)
	for _, r := range h.routes() {
		if !strings.HasPrefix(r.Path, "/api/") {
			continue
		}
		name := r.Method + " " + strings.ReplaceAll(r.Path, "...", "")
		require.True(t, documented[name], "docs/openapi.yaml lacks %s", name)
		delete(documented, name)
		require.Contains(t, string(page), "| `"+name, "docs/api.md")
	}
	require.Empty(t, documented, "docs/openapi.yaml has what is not served")
}

// TestOpenAPIDescribesTheAnswers checks real answers, good and bad, by the
// document.
func TestOpenAPIDescribesTheAnswers(t *testing.T) {
	doc := document(t)
	doc.Servers = nil
	router, err := legacy.NewRouter(doc)
	require.NoError(t, err)

	o := options(withKnown(leaking()))
	shelf := archived()
	shelf.open = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("profile")), nil }
	o.Profiles = shelf
	o.Puller = pulling(func(_ context.Context, _ labels.Labels, in view.Instance) (leak.ProfileRef, error) {
		if in.Name == "10.0.3.19:8080" {
			return leak.ProfileRef{}, collector.Errorf(collector.ReasonBudget, "spared")
		}
		return shelf.refs[1], nil
	})
	service := "/api/v1/services/" + view.ServiceID(checkout)
	visit := visit(t, o)
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{"GET", "/api/v1/leaks", 200},
		{"GET", "/api/v1/leaks?state=firing&limit=1&offset=1&q=prod", 200},
		{"GET", "/api/v1/leaks?match=nonsense%3D", 400},
		{"GET", "/api/v1/leaks/3f9c2a7b", 200},
		{"GET", "/api/v1/leaks/a1b2c3d4", 200},
		{"GET", "/api/v1/leaks/0123456789ab", 200},
		{"GET", "/api/v1/leaks/nosuch", 404},
		{"GET", "/api/v1/leaks/3f9c2a7b/stacks", 200},
		{"GET", "/api/v1/leaks/nosuch/stacks", 404},
		{"GET", "/api/v1/leaks?evidence=aged&sort=growth&order=asc&version=v1.42.0", 200},
		{"GET", "/api/v1/leaks?sort=colour", 400},
		{"GET", "/api/v1/leaks/3f9c2a7b/triage", 200},
		{"GET", "/api/v1/leaks/nosuch/triage", 404},
		{"GET", "/api/v1/services", 200},
		{"GET", "/api/v1/services?status=quiet", 200},
		{"GET", service, 200},
		{"GET", "/api/v1/services/nosuch", 404},
		{"GET", service + "/history", 200},
		{"GET", service + "/history?leak=3f9c2a7b&load=true&points=20", 200},
		{"GET", service + "/history?start=x", 400},
		{"GET", service + "/profiles", 200},
		{"POST", service + "/profiles?instance=10.0.3.17:8080", 200},
		{"POST", service + "/profiles?instance=10.0.3.19:8080", 429},
		{"POST", service + "/profiles?instance=10.9.9.9:8080", 404},
		{"GET", "/api/v1/targets", 200},
		{"GET", "/api/v1/targets?state=down", 200},
		{"GET", "/api/v1/status", 200},
		{"GET", diffURL("/api/v1/diff", shelf.refs[0].Key, shelf.refs[1].Key), 200},
		{"GET", "/api/v1/diff?head=" + url.QueryEscape(shelf.refs[1].Key), 200},
		{"GET", "/api/v1/diff?head=nosuch", 400},
		{"GET", "/api/v1/diff?head=profiles/nosuch", 404},
		{"GET", diffURL("/api/v1/export", shelf.refs[0].Key, shelf.refs[1].Key) + "&format=speedscope", 200},
		{"GET", diffURL("/api/v1/export", shelf.refs[0].Key, shelf.refs[1].Key) + "&format=svg", 400},
		{"GET", "/api/v1/export?format=pprof&head=profiles/nosuch", 404},
		{"GET", "/api/v1/profiles/nosuch", 200},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		answer := visit(r)
		text := body(t, answer)
		require.Equal(t, c.code, answer.StatusCode, "%s %s: %s", c.method, c.path, text)
		route, params, err := router.FindRoute(r)
		require.NoError(t, err, c.path)
		input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
		if c.code < 400 {
			require.NoError(t, openapi3filter.ValidateRequest(t.Context(), input), c.path)
		}
		require.NoError(t, openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: answer.StatusCode, Header: answer.Header,
			Body:    io.NopCloser(bytes.NewReader([]byte(text))),
			Options: &openapi3filter.Options{IncludeResponseStatus: true},
		}), "%s %s: %s", c.method, c.path, text)
	}
}

func TestEntityTags(t *testing.T) {
	s := leaking()
	open := visit(t, options(s))
	ask := func(tag string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/leaks", nil)
		r.Header.Set("If-None-Match", tag)
		return open(r)
	}
	first := ask("")
	tag := first.Header.Get("Etag")
	require.Regexp(t, `^W/"[0-9a-f]{24}"$`, tag)
	require.Equal(t, "no-cache", first.Header.Get("Cache-Control"))
	again := ask(`"other", ` + tag)
	require.Equal(t, http.StatusNotModified, again.StatusCode)
	require.Empty(t, body(t, again))
	s.leaks[0].Leaked++
	changed := ask(tag)
	require.Equal(t, http.StatusOK, changed.StatusCode)
	require.NotEqual(t, tag, changed.Header.Get("Etag"))
}

func TestPagesOfTheAPI(t *testing.T) {
	type list struct {
		Leaks []struct{ ID string }
		Total int
	}
	var all []string
	for i := range 4 {
		l := apiData[list](t, options(leaking()), "/api/v1/leaks?limit=1&offset="+string(rune('0'+i)))
		require.Equal(t, 4, l.Total)
		require.Len(t, l.Leaks, 1)
		all = append(all, l.Leaks[0].ID)
	}
	require.Equal(t, []string{"3f9c2a7b", "a1b2c3d4", "0badcafe", "feedbeef"}, all)
	require.Empty(t, apiData[list](t, options(leaking()), "/api/v1/leaks?offset=99").Leaks)
	require.Equal(t, 1, apiData[list](t, options(leaking()), "/api/v1/leaks?q=media").Total)
	require.Equal(t, 1, apiData[list](t, options(leaking()), "/api/v1/leaks?match=namespace%3D%22staging%22").Total)
	for _, bad := range []string{"limit=0", "limit=1001", "limit=x", "offset=-1", "match=%7B", "q=" + strings.Repeat("x", query.MaxLength+1)} {
		require.Equal(t, http.StatusBadRequest, get(t, options(leaking()), "/api/v1/leaks?"+bad).StatusCode, bad)
	}
}

// TestWrongMethods: every path names its methods.
func TestWrongMethods(t *testing.T) {
	h, err := New(options(leaking()))
	require.NoError(t, err)
	allowed := map[string][]string{}
	for _, r := range h.routes() {
		allowed[r.Path] = append(allowed[r.Path], r.Method)
	}
	for path, methods := range allowed {
		path = strings.NewReplacer("{$}", "", "{id}", "x", "{base}", "x", "{head}", "x", "{view}", "x", "{key...}", "x").Replace(path)
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if wrong := !strings.Contains(strings.Join(methods, " "), method); wrong {
				require.Equal(t, http.StatusMethodNotAllowed, w.Code, "%s %s", method, path)
				require.Contains(t, w.Header().Get("Allow"), methods[0])
			} else {
				require.NotEqual(t, http.StatusMethodNotAllowed, w.Code, "%s %s", method, path)
			}
		}
	}
	require.Contains(t, body(t, do(t, options(leaking()), httptest.NewRequest(http.MethodDelete, "/api/v1/leaks", nil))), `"errorType":"method_not_allowed"`)
}
