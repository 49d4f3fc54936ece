package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// badMatchers are queries that look like matchers of labels. The parser
// accepts the beginning of some of them before it fails.
var badMatchers = []string{
	"namespace=", `job="`, `job="a" or`, `{job="a"`, `{job="a"}}`, "=", "!", "{", "}", ",", `job=~"("`, `job=~"a{1,99999}"`,
	`job="a",namespace=`, `"job"`, `job{a="b"`, "job=\"a\x00", "\xff=\"a\"", "job='a", "job=`a", `{__name__=~}`, "((((((((", `job=="a"`,
}

// goodMatchers are queries that must work, however strange.
var goodMatchers = []string{`job="checkout",`, `job="checkout"`, `{job="checkout"}`, `job=~".*"`, `job!="x",namespace="prod"`, `nosuch=""`, ` job = "checkout" `, "job", "job=checkout", `namespace=prod,job="a"`, `job="a",namespace`, "checkout prod"}

// everyParameter are those that a page or the API reads, and one that nothing
// reads; viewParameters are those of the views of pprof.
var (
	everyParameter = []string{"q", "match", "state", "status", "evidence", "version", "sort", "order", "group", "resolved", "page", "limit", "offset", "start", "end", "points", "load", "leak", "base", "head", "nosuch"}
	viewParameters = []string{"f", "i", "h", "s", "sf", "t", "si", "p", "n", "g", "sort", "rel"}
)

// nasty returns unexpected values for a parameter.
func nasty() []string {
	key := archived().refs[0].Key
	return []string{
		"", "0", "-1", "1", "2", "99999999999999999999", "-9223372036854775808", "1e400", "NaN", "Inf", "-Inf", "+Inf", "0x10", "1.5", "true", "x",
		"\x00", "\xff\xfe", "\u202e", "%", "%zz", "../../etc/passwd", "profiles/../leaks/x.json", "profiles/", "profiles/%00", `profiles\x`, key, key + key,
		"2026-03-02T22:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-62135596801", "253402300800", "1e18",
		"(", ")", "[", "a{1000}", "(?i)x", "*", "|", "<script>", "'\"", "3f9c2a7b", "quiet", "gone", "firing", strings.Repeat("x", query.MaxLength+1), strings.Repeat("(", 400),
	}
}

// queried makes a handler with every feature on, for requests with any query.
func queried(t testing.TB) *Handler {
	t.Helper()
	o := options(leaking())
	shelf := archived()
	shelf.open = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("profile")), nil }
	o.Profiles = shelf
	o.Puller = pulling(func(context.Context, labels.Labels, view.Instance) (leak.ProfileRef, error) {
		return shelf.refs[1], nil
	})
	h, err := New(o)
	require.NoError(t, err)
	return h
}

// queriedPaths returns one path for each readable route, with each kind of value in its
// variables.
func queriedPaths(h *Handler) (paths []string) {
	refs := archived().refs
	for _, r := range h.routes() {
		if r.Method != http.MethodGet || strings.HasPrefix(r.Path, "/-/") || r.Path == "/static/" {
			continue
		}
		id := "3f9c2a7b"
		if strings.Contains(r.Path, "services") {
			id = view.ServiceID(checkout)
		}
		paths = append(paths, strings.NewReplacer(
			"{$}", "", "{id}", id, "{base}", pprofName(refs[0].Key), "{head}", pprofName(refs[1].Key), "{view}", "top",
			"{key...}", "prod/checkout/a/20260302T140000Z.pb.gz",
		).Replace(r.Path))
	}
	return paths
}

// answered requests a path and query from h, and fails the test if the answer is an error of
// the server. A panic in the handler fails the test too.
func answered(t *testing.T, h *Handler, path, query string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.URL.RawQuery = query
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Less(t, w.Code, 500, "%s?%q: %.300s", path, query, w.Body)
	return w
}

// TestEveryParameter: no value of any parameter makes a page fail.
func TestEveryParameter(t *testing.T) {
	h := queried(t)
	matchers := slices.Concat(nasty(), badMatchers, goodMatchers)
	for _, path := range queriedPaths(h) {
		parameters := everyParameter
		if strings.HasPrefix(path, "/pprof/") {
			parameters = viewParameters
		}
		for _, name := range parameters {
			values := nasty()
			if name == "match" {
				values = matchers
			}
			for _, v := range values {
				answered(t, h, path, url.Values{name: {v}}.Encode())
			}
		}
		for _, query := range []string{"%zz", "match=%", "a;b", "&&&", "match", "=", "match=job&match=x", strings.Repeat("q=x&", 2000)} {
			answered(t, h, path, query)
		}
	}
}

// TestBadMatchers: a matcher with a mistake is refused with the reason, and no list looks
// narrowed by it.
func TestBadMatchers(t *testing.T) {
	h := queried(t)
	for _, m := range badMatchers {
		query := url.Values{"match": {m}}.Encode()
		for _, path := range []string{"/", "/services", "/targets"} {
			w := answered(t, h, path, query)
			require.Equal(t, http.StatusBadRequest, w.Code, "%s?match=%q", path, m)
			page := text(w.Body.String())
			require.Contains(t, page, "is not a label matcher; expected e.g.", "%s?match=%q", path, m)
			require.NotContains(t, page, "prod/checkout", "%s?match=%q", path, m)
			require.NotContains(t, page, "http://10.0.3.17:8080/", "%s?match=%q", path, m)
		}
		for _, path := range []string{"/api/v1/leaks", "/api/v1/services", "/api/v1/targets", "/api/v1/captures"} {
			w := answered(t, h, path, query)
			require.Equal(t, http.StatusBadRequest, w.Code, "%s?match=%q", path, m)
			require.Contains(t, w.Body.String(), `"errorType":"bad_data","error":"match: `)
		}
	}
	for _, m := range goodMatchers {
		for _, path := range []string{"/", "/services", "/targets", "/api/v1/leaks"} {
			require.Equal(t, http.StatusOK, answered(t, h, path, url.Values{"match": {m}}.Encode()).Code, "%s?match=%q", path, m)
		}
	}
}

func FuzzQuery(f *testing.F) {
	h := queried(f)
	paths := queriedPaths(h)
	for i, v := range slices.Concat(nasty(), badMatchers, goodMatchers) {
		f.Add(uint(i), append(viewParameters, everyParameter...)[i%len(everyParameter)], v, "match", v)
	}
	f.Add(uint(0), "match", "job", "q", "x")
	f.Fuzz(func(t *testing.T, path uint, name, value, otherName, other string) {
		w := answered(t, h, paths[path%uint(len(paths))], url.Values{name: {value}, otherName: {other}}.Encode())
		if w.Code >= 400 {
			require.NotEmpty(t, w.Body.String(), strconv.Itoa(w.Code))
		}
	})
}
