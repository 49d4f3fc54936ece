package alertmanager

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/leaktest"
	"github.com/gorowatch/gorowatch/alerting/internal/post"
)

// TestHTTP delivers over a real connection.
func TestHTTP(t *testing.T) {
	arrived := map[string]int{} // alerts by leak
	mux := http.NewServeMux()
	got := make(chan *http.Request, 10)
	answer := func(w http.ResponseWriter, req *http.Request) {
		var alerts []alerting.Alert
		if err := json.NewDecoder(req.Body).Decode(&alerts); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		for _, a := range alerts {
			arrived[a.Labels.Get("leak")]++
		}
		got <- req
	}
	mux.HandleFunc("POST /am/api/v2/alerts", answer)
	mux.HandleFunc("POST /moved/api/v2/alerts", func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, "/am/api/v2/alerts", http.StatusPermanentRedirect)
	})
	mux.HandleFunc("/login/api/v2/alerts", func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, "/?password=hunter2", http.StatusFound)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) { _, _ = io.WriteString(w, "log in") })
	srv := httptest.NewServer(mux)
	defer srv.Close()

	at := func(path string) alerting.Alertmanager {
		u, err := url.Parse(srv.URL)
		require.NoError(t, err)
		u = u.JoinPath(path)
		u.User = url.UserPassword("gw", "hunter2")
		return alerting.Alertmanager{URL: u, Client: srv.Client(), Timeout: time.Minute}
	}
	for _, path := range []string{"/am", "/am/", "/moved"} {
		require.NoError(t, postAlerts(t.Context(), target(t, at(path)), []alerting.Alert{alerting.Render(leaktest.Checkout(), alerting.Warning, alerting.RenderOptions{})}), path)
		req := <-got
		user, password, _ := req.BasicAuth()
		require.Equal(t, "gw hunter2", user+" "+password)
		require.Equal(t, "application/json", req.Header.Get("Content-Type"))
		require.True(t, strings.HasPrefix(req.UserAgent(), "gorowatch/"))
	}
	require.Equal(t, map[string]int{"3f9c2a7b": 3}, arrived)

	err := postAlerts(t.Context(), target(t, at("/login")), []alerting.Alert{alerting.Render(leaktest.Checkout(), alerting.Warning, alerting.RenderOptions{})})
	require.ErrorContains(t, err, "redirects to "+srv.URL+", which is not followed")
	require.NotContains(t, err.Error(), "hunter2")
	require.Equal(t, post.Redirect, post.FailureOf(err))

	srv.Close()
	err = postAlerts(t.Context(), target(t, at("/am")), nil)
	require.Equal(t, post.Connection, post.FailureOf(err))
	require.NotContains(t, err.Error(), "hunter2")
}

// target returns an Alertmanager as a Loop stores it.
func target(t *testing.T, a alerting.Alertmanager) alerting.Alertmanager {
	t.Helper()
	m, err := NewMetrics(nil)
	require.NoError(t, err)
	return NewLoop("x", a, 1, m, slog.New(slog.DiscardHandler)).target
}

func TestQueue(t *testing.T) {
	q := newQueue(3)
	put := func(keys ...string) (dropped int) {
		for _, k := range keys {
			dropped += q.push(Item{Key: k})
		}
		return dropped
	}
	keys := func() (all []string) {
		for _, i := range q.items {
			all = append(all, i.Key)
		}
		require.Len(t, q.byKey, len(q.items))
		return all
	}
	require.Equal(t, 0, put("a", "b", "a", "c"))
	require.Equal(t, []string{"a", "b", "c"}, keys())
	require.Equal(t, 1, put("d"))
	require.Equal(t, []string{"b", "c", "d"}, keys())
	popped := q.pop(2)
	require.Equal(t, 0, put("c", "e"))
	require.Equal(t, 1, q.putBack(popped), "b comes back and is the oldest; c has been overtaken")
	require.Equal(t, []string{"d", "c", "e"}, keys())
	require.Len(t, q.pop(9), 3)
	require.Empty(t, q.pop(9))
}
