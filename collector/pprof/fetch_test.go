package pprof

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	httppprof "net/http/pprof"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// client has no idle connections, which would leave goroutines.
func client(t *testing.T) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func serve(t *testing.T, h http.HandlerFunc) *url.URL {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL + "/debug/pprof/goroutine")
	require.NoError(t, err)
	return u
}

func TestFetchRealProfiles(t *testing.T) {
	u := serve(t, httppprof.Index)
	f := New(Options{})
	for debug, format := range []collector.Format{collector.FormatProto, collector.FormatDebug1, collector.FormatDebug2} {
		p, err := f.Fetch(t.Context(), client(t), u, collector.KindGoroutine, debug)
		require.NoError(t, err)
		require.Equal(t, format, p.Format)
		require.Equal(t, collector.KindGoroutine, p.Kind)
		require.WithinDuration(t, time.Now(), p.Time, time.Minute)
		require.False(t, p.Incomplete)
		var sum int64
		found := false
		for _, r := range p.Records {
			sum += r.Count
			for _, fr := range r.Frames {
				found = found || strings.HasSuffix(fr.Func, "TestFetchRealProfiles")
			}
		}
		require.Equal(t, p.Total, sum)
		require.True(t, found, "this very test stands on one of the stacks of %s", format)
		if debug == 1 {
			require.Nil(t, p.Raw)
			continue
		}
		again, err := Parse(bytes.NewReader(p.Raw), time.Time{}, Limits{})
		require.NoError(t, err)
		require.Equal(t, p.Records, again.Records, "Raw is the profile")
	}
}

func TestFetchSaysWhatIsWrong(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the request went on to another host, with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); _, _ = io.WriteString(w, body) }
	}
	body := func(b string) http.HandlerFunc { return status(http.StatusOK, b) }
	for name, tc := range map[string]struct {
		h      http.HandlerFunc
		kind   collector.ProfileKind
		reason collector.Reason
		text   string
	}{
		"login":      {h: status(401, ""), reason: collector.ReasonUnauthorized, text: "401 Unauthorized: the profile wants a login; set authorization for this target"},
		"forbidden":  {h: status(403, ""), reason: collector.ReasonUnauthorized, text: "403 Forbidden"},
		"no profile": {h: status(404, "404 page not found"), reason: collector.ReasonNotFound, text: "404: no /debug/pprof/goroutine there; is net/http/pprof imported?"},
		"no leak profile": {
			h: status(404, "Unknown profile\n"), kind: collector.KindGoroutineLeak, reason: collector.ReasonNotFound,
			text: "404: no /debug/pprof/goroutineleak there; it takes Go 1.27",
		},
		"too often":  {h: status(429, ""), reason: collector.ReasonRateLimited, text: "429 Too Many Requests"},
		"broken":     {h: status(500, "Could not enable CPU profiling\nmore"), reason: collector.ReasonStatus, text: `500 Internal Server Error: "Could not enable CPU profiling"`},
		"bad page":   {h: status(502, "<html>nginx"), reason: collector.ReasonStatus, text: "502 Bad Gateway"},
		"teapot":     {h: status(418, ""), reason: collector.ReasonStatus, text: "418 I'm a teapot"},
		"no content": {h: status(204, ""), reason: collector.ReasonStatus, text: "204 No Content"},
		"redirected": {h: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/x?token=abc", http.StatusFound)
		}, reason: collector.ReasonRedirect, text: "to " + elsewhere.URL + ", which does not get the credentials; set scheme, port or path"},
		"circle": {
			h:      func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
			reason: collector.ReasonRedirect, text: "in a circle",
		},
		"nowhere": {h: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) }, reason: collector.ReasonRedirect, text: "302 Found"},
		"a page":  {h: body("<!DOCTYPE html><title>Sign in</title>"), reason: collector.ReasonNotProfile, text: "that is a web page, not a profile"},
		"nothing": {h: body(""), reason: collector.ReasonNotProfile, text: "it is empty, not a profile"},
		"other kind": {
			h: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(proto("goroutine", 1)) }, kind: collector.KindGoroutineLeak,
			reason: collector.ReasonNotProfile, text: "requested a goroutineleak profile, got a goroutine profile",
		},
		"cut off": {h: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "goroutine profile: total 1\n")
		}, reason: collector.ReasonTruncated, text: "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			u := serve(t, tc.h)
			u.User = url.UserPassword("me", "hunter2")
			u.RawQuery = "token=s3cret"
			kind := tc.kind
			if kind == "" {
				kind = collector.KindGoroutine
			}
			_, err := New(Options{}).Fetch(t.Context(), client(t), u, kind, 0)
			require.ErrorContains(t, err, tc.text)
			require.ErrorContains(t, err, "http://"+u.Host+"/debug/pprof/")
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "abc")
			require.Equal(t, tc.reason, collector.ReasonOf(err), "%v", err)
		})
	}
}

func TestFetchIsBounded(t *testing.T) {
	stop := make(chan struct{})
	u := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-stop:
		}
	})
	defer close(stop)
	_, err := New(Options{Timeout: 20 * time.Millisecond}).Fetch(t.Context(), client(t), u, collector.KindGoroutine, 0)
	require.Equal(t, collector.ReasonTimeout, collector.ReasonOf(err), "%v", err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = New(Options{}).Fetch(ctx, client(t), u, collector.KindGoroutine, 0)
	require.Equal(t, collector.ReasonCanceled, collector.ReasonOf(err), "%v", err)

	var sent atomic.Int64
	endless := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat("goroutine 1 [select]:\nmain.main()\n\t/src/main.go:1\n\n", 1000))
		for sent.Load() < 100<<20 {
			n, err := w.Write(chunk)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	_, err = New(Options{Limits: Limits{Body: 1 << 20}}).Fetch(t.Context(), client(t), endless, collector.KindGoroutine, 2)
	require.Equal(t, collector.ReasonTooLarge, collector.ReasonOf(err), "%v", err)
	require.ErrorContains(t, err, "more than 1048576 bytes")
	require.Less(t, sent.Load(), int64(50<<20), "the rest was not read")
}

func TestFetchFollowsOnItsHost(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/internal/pprof/goroutine" {
			http.Redirect(w, r, "/internal/pprof/goroutine", http.StatusFound)
			return
		}
		if got := r.Header.Get("Authorization"); got != "Basic bWU6aHVudGVyMg==" {
			t.Errorf("Authorization: %q", got)
		}
		_, _ = w.Write(proto("goroutine", 3))
	})
	u.User = url.UserPassword("me", "hunter2")
	p, err := New(Options{}).Fetch(t.Context(), client(t), u, collector.KindGoroutine, 0)
	require.NoError(t, err)
	require.EqualValues(t, 3, p.Total)
}

func TestProfileURL(t *testing.T) {
	for _, tc := range []struct {
		target string
		kind   collector.ProfileKind
		debug  int
		want   string
	}{
		{"http://h/debug/pprof/goroutine", collector.KindGoroutine, 0, "http://h/debug/pprof/goroutine"},
		{"http://h/debug/pprof/goroutine?debug=1", collector.KindGoroutine, 0, "http://h/debug/pprof/goroutine"},
		{"http://h/x/goroutine?a=b&debug=1#f", collector.KindGoroutine, 2, "http://h/x/goroutine?a=b&debug=2"},
		{"http://h/internal/pprof/goroutine", collector.KindGoroutineLeak, 0, "http://h/internal/pprof/goroutineleak"},
	} {
		u, err := url.Parse(tc.target)
		require.NoError(t, err)
		require.Equal(t, tc.want, profileURL(u, tc.kind, tc.debug).String())
		require.Equal(t, tc.target, u.String())
	}
}
