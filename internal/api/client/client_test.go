package client

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whatever answers, the error says what is wrong and where, without the password, and
// whether asking again may help.
func TestErrors(t *testing.T) {
	say := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	for want, x := range map[string]struct {
		answer      http.HandlerFunc
		reason      collector.Reason
		isTemporary bool
	}{
		"URL/leak: answers 200 OK with something that is not gorowatch's API; check the URL":        {say(200, "<html>login</html>"), collector.ReasonBadData, false},
		"URL/leak: answers 404 Not Found with something that is not gorowatch's API; check the URL": {say(404, "page not found"), collector.ReasonBadData, false},
		"URL/leak: 401 Unauthorized: set a login":                                                   {say(401, "Unauthorized"), collector.ReasonUnauthorized, false},
		"URL/leak: 502 Bad Gateway":                       {say(502, "<html>"), collector.ReasonStatus, true},
		"URL/leak: 429 Too Many Requests":                 {say(429, ""), collector.ReasonRateLimited, true},
		"the series cannot be read now":                   {say(502, `{"status":"error","error":"the series cannot be read now"}`), collector.ReasonStatus, true},
		"match: expected matchers \ufffd[2J":              {say(400, "{\"status\":\"error\",\"error\":\"match: expected matchers \\u001b[2J\"}"), collector.ReasonBadData, false},
		"there is no source of series":                    {say(501, `{"status":"error","error":"there is no source of series"}`), collector.ReasonBadData, false},
		"host gorowatch is not allowed":                   {say(403, `{"status":"error","error":"host gorowatch is not allowed"}`), collector.ReasonOther, false},
		"URL/leak: the answer exceeds 8 MB; ask for less": {say(200, strings.Repeat(" ", maxAnswer+1)), collector.ReasonTooLarge, false},
		"URL/leak: the answer is of another version of gorowatch: json: cannot unmarshal string into Go value of type int": {say(200, `{"status":"success","data":"x"}`), collector.ReasonBadData, false},
		"URL/leak: the answer broke off: unexpected EOF": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "{")
		}, collector.ReasonTruncated, true},
	} {
		s := httptest.NewServer(x.answer)
		u, err := ParseURL(strings.Replace(s.URL, "http://", "http://ada:secret@", 1) + "/leak/")
		require.NoError(t, err)
		var out int
		err = New(u, s.Client()).Get(t.Context(), nil, &out, "leaks")
		s.Close()
		require.EqualError(t, err, strings.Replace(want, "URL", s.URL, 1))
		require.Equal(t, x.reason, collector.ReasonOf(err), want)
		require.Equal(t, x.isTemporary, IsTemporary(err), want)
	}
}

// A gorowatch that is away may come back, one that does not answer too.
func TestNobodyAnswers(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	u, err := ParseURL(s.URL)
	require.NoError(t, err)
	c := s.Client()
	c.Timeout = 20 * time.Millisecond
	err = New(u, c).Get(t.Context(), nil, new(int), "leaks")
	require.Equal(t, collector.ReasonTimeout, collector.ReasonOf(err), err)
	require.True(t, IsTemporary(err))
	s.CloseClientConnections()
	s.Close()
	err = New(u, c).Get(t.Context(), nil, new(int), "leaks")
	require.ErrorContains(t, err, "connection refused")
	require.NotContains(t, err.Error(), "Get", "the address of the request is left out, as it has the query")
	require.True(t, IsTemporary(err))
}

func TestAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/leak/api/v1/leaks/a%25b?limit=1", r.URL.RequestURI())
		_, _ = io.WriteString(w, `{"status":"success","data":7}`)
	}))
	defer s.Close()
	u, err := ParseURL(s.URL + "/leak")
	require.NoError(t, err)
	c := New(u, s.Client())
	var out int
	require.NoError(t, c.Get(t.Context(), map[string][]string{"limit": {"1"}}, &out, "leaks", "a%b"))
	require.Equal(t, 7, out)
	require.Equal(t, s.URL+"/leak/leaks/x", c.Page("leaks", "x"))
	for _, id := range []string{"..", ".", "../../status", `..\status`} {
		require.ErrorContains(t, c.Get(t.Context(), nil, &out, "leaks", id), "there is no ", id)
	}
	for _, bad := range []string{"gorowatch:10980", "", "ftp://gorowatch", "http://", "http://\x7f"} {
		_, err := ParseURL(bad)
		require.ErrorContains(t, err, "expected a URL as http://gorowatch:10980", bad)
	}
}
