package forge

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gitHubCommits has the shape of GitHub's "List commits", gitLabCommits that of GitLab's "List
// repository commits", with more fields than are read.
const (
	gitHubCommits = `[
 {"sha":"c3","node_id":"x","html_url":"https://github.com/acme/checkout/commit/c3","commit":{"author":{"name":"Ada","email":"ada@example.org","date":"2026-03-02T10:00:00Z"},"committer":{"name":"GitHub","date":"2026-03-02T11:00:00Z"},"message":"handler: log in the background\n\nLong text.","tree":{"sha":"t"}},"author":{"login":"ada"},"parents":[]},
 {"sha":"c2","html_url":"javascript:alert(1)","commit":{"author":{"name":"Bob","date":"2026-02-01T10:00:00Z"},"committer":{"date":"2026-02-01T10:00:00Z"},"message":"handler: <b>tidy</b>\u202e"}},
 {"sha":"c1","html_url":"https://github.com/acme/checkout/commit/c1","commit":{"author":null,"committer":{"date":"2026-01-01T10:00:00Z"},"message":"first"},"author":null}
]`
	gitLabCommits = `[
 {"id":"c3","short_id":"c3","title":"handler: log in the background","message":"handler: log in the background\n\nLong text.","author_name":"Ada","author_email":"ada@example.org","authored_date":"2026-03-02T10:00:00.000+00:00","committed_date":"2026-03-02T11:00:00.000+00:00","web_url":"https://gitlab.example.org/shop/team/checkout/-/commit/c3","parent_ids":[]}
]`
)

// server returns a fake forge. It answers with the function, and records the requests.
func server(t *testing.T, answer http.HandlerFunc) (api string, asked func() []string) {
	var seen []string
	lock := make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock <- struct{}{}
		seen = append(seen, r.URL.RequestURI()+" "+r.Header.Get("Accept"))
		<-lock
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string { return seen }
}

func newHistory(t *testing.T, o Options) *History {
	if o.Client == nil {
		o.Client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	}
	r, err := NewRepo(o)
	require.NoError(t, err)
	return NewHistory(r)
}

const gitHubTemplate = "https://github.com/acme/checkout/blob/{version}/{path}#L{line}"

func TestGitHub(t *testing.T) {
	api, asked := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("sha") == "v1.41.3" {
			io.WriteString(w, `[{"sha":"c2","commit":{"message":"x"}}]`)
			return
		}
		io.WriteString(w, gitHubCommits)
	})
	h := newHistory(t, Options{Kind: GitHub, Template: gitHubTemplate, API: api})
	require.Equal(t, Answer{IsLoading: true}, h.Of("internal/handler.go", "v1.42.0", "v1.41.3"), "it does not wait")
	h.Wait()
	require.Equal(t, Answer{Commits: []Commit{
		{ID: "c3", Title: "handler: log in the background", Author: "Ada", Time: time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC), URL: "https://github.com/acme/checkout/commit/c3", InFile: true, IsNew: true},
		{ID: "c2", Title: "handler: <b>tidy</b>\ufffd", Author: "Bob", Time: time.Date(2026, 2, 1, 10, 0, 0, 0, time.UTC), InFile: true},
		{ID: "c1", Title: "first", Time: time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC), URL: "https://github.com/acme/checkout/commit/c1", InFile: true},
	}}, h.Of("internal/handler.go", "v1.42.0", "v1.41.3"))
	require.Equal(t, []string{
		"/repos/acme/checkout/commits?path=internal%2Fhandler.go&per_page=20&sha=v1.42.0 application/vnd.github+json",
		"/repos/acme/checkout/commits?path=internal&per_page=20&sha=v1.42.0 application/vnd.github+json",
		"/repos/acme/checkout/commits?path=internal&per_page=1&sha=v1.41.3 application/vnd.github+json",
	}, asked(), "the second look is answered from the cache")
}

func TestGitLab(t *testing.T) {
	api, asked := server(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, gitLabCommits) })
	h := newHistory(t, Options{Kind: GitLab, Template: "https://gitlab.example.org/shop/team/checkout/-/blob/{version}/services/{path}#L{line}", API: api + "/api/v4"})
	h.Of("handler.go", "", "")
	h.Wait()
	require.Equal(t, []Commit{{
		ID: "c3", Title: "handler: log in the background", Author: "Ada", Time: time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC).Local(),
		URL: "https://gitlab.example.org/shop/team/checkout/-/commit/c3", InFile: true,
	}}, local(h.Of("handler.go", "", "").Commits))
	require.Equal(t, []string{"/api/v4/projects/shop%2Fteam%2Fcheckout/repository/commits?path=services%2Fhandler.go&per_page=20 application/json", "/api/v4/projects/shop%2Fteam%2Fcheckout/repository/commits?path=services&per_page=20 application/json"}, asked())
}

func local(all []Commit) []Commit {
	for i := range all {
		all[i].Time = all[i].Time.Local()
	}
	return all
}

// TestPackage: the commits of the folder are there too, those of the file marked; a busy folder
// does not push the file's own out, and what is new shows by the time where the list ends.
func TestPackage(t *testing.T) {
	list := func(ids ...string) string {
		var all []string
		for _, id := range ids { // "f07" is of day 7
			day, err := strconv.Atoi(id[1:])
			require.NoError(t, err)
			all = append(all, fmt.Sprintf(`{"sha":%q,"commit":{"message":%q,"committer":{"date":"2026-03-%02dT10:00:00Z"}}}`, id, id, day))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	words := func(a Answer) (out []string) {
		for _, c := range a.Commits {
			word := c.ID
			if c.InFile {
				word += " file"
			}
			if c.IsNew {
				word += " new"
			}
			out = append(out, word)
		}
		return out
	}
	var busy []string
	for i := 28; i > 8; i-- {
		busy = append(busy, fmt.Sprintf("p%02d", i))
	}
	for name, tc := range map[string]struct {
		file, folder, before string
		want                 []string
	}{
		"mixed":        {list("f05", "f02"), list("p06", "f05", "p03", "f02"), list("p03"), []string{"p06 new", "f05 file new", "p03", "f02 file"}},
		"busy":         {list("f05", "f02"), list(busy...), list("p12"), append(append(append([]string{}, wordsNew(busy[:16])...), "p12", "p11"), "f05 file", "f02 file")},
		"all are new":  {list("f28", "f02"), list(busy[1:]...), list("p03"), append(append([]string{"f28 file new"}, wordsNew(busy[1:19])...), "f02 file")},
		"no folder":    {list("f05"), "", list("f05"), []string{"f05 file"}},
		"an odd place": {list("f05"), list("p06", "f05"), "[]", []string{"p06", "f05 file"}},
	} {
		api, asked := server(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.FormValue("sha") == "v1":
				io.WriteString(w, tc.before)
			case strings.HasSuffix(r.FormValue("path"), ".go"):
				io.WriteString(w, tc.file)
			case tc.folder == "":
				w.WriteHeader(500)
			default:
				io.WriteString(w, tc.folder)
			}
		})
		h := newHistory(t, Options{Kind: GitHub, Template: gitHubTemplate, API: api})
		h.Of("internal/cart/watch.go", "v2", "v1")
		h.Wait()
		got := h.Of("internal/cart/watch.go", "v2", "v1")
		require.Equal(t, tc.want, words(got), name)
		require.Empty(t, got.Problem)
		require.Len(t, asked(), 3, name)
	}

	// A package in the root has all other packages below it: only the file says something.
	// A path out of a profile does not leave the repository.
	for file, want := range map[string][]string{
		"main.go":              {"/repos/acme/checkout/commits?path=main.go&per_page=20&sha=v2"},
		"../../../secret/a.go": {"/repos/acme/checkout/commits?path=secret%2Fa.go&per_page=20&sha=v2", "/repos/acme/checkout/commits?path=secret&per_page=20&sha=v2"},
	} {
		api, asked := server(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, list("f05")) })
		h := newHistory(t, Options{Kind: GitHub, Template: gitHubTemplate, API: api})
		h.Of(file, "v2", "")
		h.Wait()
		require.Len(t, asked(), len(want), file)
		for i, request := range asked() {
			require.Equal(t, want[i]+" application/vnd.github+json", request)
		}
	}
}

func wordsNew(ids []string) (out []string) {
	for _, id := range ids {
		out = append(out, id+" new")
	}
	return out
}

// TestRefusals: whatever a forge answers, the reason is shown, within bounds.
func TestRefusals(t *testing.T) {
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			io.WriteString(w, `{"message":"<script>"}`)
		}
	}
	for want, answer := range map[string]http.HandlerFunc{
		"the token is not accepted (401)":                                                      status(401),
		"the token may not read acme/checkout (403)":                                           status(403),
		"the limit of requests is used up until 2027-01-15 08:00 UTC (403)":                    status(403, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1800000000"),
		"the limit of requests is used up (403)":                                               status(403, "Retry-After", "60"),
		"the limit of requests is used up (429)":                                               status(429, "X-RateLimit-Reset", "soon"),
		"acme/checkout, or version v1 in it, does not exist or is hidden from the token (404)": status(404),
		"the answer is 503, expected 200":                                                      status(503),
		"the answer has more than 1048576 bytes":                                               func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "["+strings.Repeat(" ", maxBody)+"]") },
		"the answer is not a list of commits":                                                  func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
		"the answer broke off: unexpected EOF": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			io.WriteString(w, "[")
		},
	} {
		api, _ := server(t, answer)
		h := newHistory(t, Options{Kind: GitHub, Template: gitHubTemplate, API: api})
		h.Of("a.go", "v1", "")
		h.Wait()
		require.Equal(t, Answer{Problem: want}, h.Of("a.go", "v1", ""))
	}
	// More commits than requested, and texts without an end.
	api, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		one := fmt.Sprintf(`{"id":"%s","title":"%s","author_name":"%s","web_url":"https://x/%s"}`, strings.Repeat("i", 500), strings.Repeat("t", 500), strings.Repeat("a", 500), strings.Repeat("u", 5000))
		io.WriteString(w, "["+strings.Repeat(one+",", 99)+one+"]")
	})
	h := newHistory(t, Options{Kind: GitLab, Template: "https://gitlab.com/a/b/-/blob/{version}/{path}", API: api})
	h.Of("a.go", "", "")
	h.Wait()
	got := h.Of("a.go", "", "").Commits
	require.Len(t, got, maxCommits)
	require.LessOrEqual(t, len([]rune(got[0].Title)), maxTitle)
	require.LessOrEqual(t, len([]rune(got[0].Author)), maxAuthor)
	require.Empty(t, got[0].URL)
}

// transport is a forge without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestCache: a forge that hangs blocks nobody, fails after ten seconds and is asked again after
// five minutes. A good answer is used for a quarter of an hour, and longer if the forge fails.
func TestCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		var hangs, fails, limits atomic.Bool
		hangs.Store(true)
		h := newHistory(t, Options{Kind: GitHub, Template: gitHubTemplate, Client: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			requests.Add(1)
			if hangs.Load() {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			code, header := 200, http.Header{}
			if fails.Load() {
				code = 502
			}
			if limits.Load() {
				code = 429
				header.Set("Retry-After", "3600")
			}
			return &http.Response{StatusCode: code, Header: header, Body: io.NopCloser(strings.NewReader(gitHubCommits)), Request: r}, nil
		})}})
		begin := time.Now()
		for range 50 { // people who look
			require.True(t, h.Of("a.go", "v1", "").IsLoading)
		}
		for i := range 10 { // other leaks
			require.True(t, h.Of(fmt.Sprint("f", i), "v1", "").IsLoading)
		}
		synctest.Wait()
		require.Zero(t, time.Since(begin))
		require.EqualValues(t, maxAsking, requests.Load(), "questions at once")
		time.Sleep(timeout)
		synctest.Wait()
		require.Equal(t, Answer{Problem: "no answer within 10s"}, h.Of("a.go", "v1", ""))
		require.EqualValues(t, maxAsking, requests.Load())

		hangs.Store(false)
		time.Sleep(afterFailed)
		h.Of("a.go", "v1", "")
		h.Wait()
		require.Len(t, h.Of("a.go", "v1", "").Commits, 3)
		require.EqualValues(t, 3, requests.Load())
		time.Sleep(fresh - time.Second)
		require.Len(t, h.Of("a.go", "v1", "").Commits, 3)
		h.Wait()
		require.EqualValues(t, 3, requests.Load())

		fails.Store(true)
		time.Sleep(time.Second)
		h.Of("a.go", "v1", "")
		h.Wait()
		a := h.Of("a.go", "v1", "")
		require.Len(t, a.Commits, 3, "what was known stays")
		require.Equal(t, "the answer is 502, expected 200", a.Problem)

		limits.Store(true)
		h.Of("b.go", "v1", "")
		h.Wait()
		require.Equal(t, "the limit of requests is used up (429)", h.Of("b.go", "v1", "").Problem)
		before := requests.Load()
		time.Sleep(59 * time.Minute)
		h.Of("b.go", "v1", "")
		h.Wait()
		require.Equal(t, before, requests.Load(), "the forge is left alone for as long as it asks")
		time.Sleep(time.Minute)
		h.Of("b.go", "v1", "")
		h.Wait()
		require.Equal(t, before+1, requests.Load())

		for i := range 3 * maxKept {
			h.Of(fmt.Sprint("g", i), "v1", "")
			time.Sleep(time.Second)
		}
		h.Wait()
		h.mu.Lock()
		require.LessOrEqual(t, len(h.cache), maxKept)
		h.mu.Unlock()
	})
}

func TestRepoOfATemplate(t *testing.T) {
	client := http.DefaultClient
	for _, tc := range []struct {
		kind      Kind
		template  string
		api, want string
	}{
		{GitHub, gitHubTemplate, "", "https://api.github.com acme/checkout "},
		{GitHub, "https://git.example.org/acme/mono/blob/{version}/svc/checkout/{path}", "", "https://git.example.org/api/v3 acme/mono svc/checkout"},
		{GitHub, gitHubTemplate, "https://proxy.example.org/gh", "https://proxy.example.org/gh acme/checkout "},
		{GitLab, "https://gitlab.com/a/b/c/-/blob/{version}/{path}", "", "https://gitlab.com/api/v4 a/b/c "},
		{GitLab, "https://gitlab.com/a/b/blob/{version}/{path}", "", "https://gitlab.com/api/v4 a/b "},
	} {
		r, err := NewRepo(Options{Kind: tc.kind, Template: tc.template, API: tc.api, Client: client})
		require.NoError(t, err, tc.template)
		require.Equal(t, tc.want, r.api.String()+" "+r.path+" "+r.folder)
	}
	for want, o := range map[string]Options{
		"expected github or gitlab":                    {Kind: "gitea", Template: gitHubTemplate},
		"is not the address of a file on github":       {Kind: GitHub, Template: "https://github.com/acme/blob/{version}/{path}"},
		"expected e.g. https://gitlab.com/org/repo/-/": {Kind: GitLab, Template: "https://gitlab.com/x/{version}/{path}"},
		"has no {version} with {path} after it":        {Kind: GitHub, Template: "https://github.com/a/b/blob/main/{path}"},
		"is not at an address, expected e.g.":          {Kind: GitHub, Template: gitHubTemplate, API: "ftp://x"},
	} {
		o.Client = client
		_, err := NewRepo(o)
		require.ErrorContains(t, err, want)
	}
	_, err := NewRepo(Options{Kind: GitHub, Template: "{version}", Client: client})
	require.Error(t, err)
}
