package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// verdicts answers with these verdicts, one after another.
func verdicts(t *testing.T, all ...string) string {
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, `job="checkout"`, r.URL.Query().Get("match"))
		i := min(int(n.Add(1)), len(all)) - 1
		if all[i] == "503" {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"status":"error","error":"not ready"}`))
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":{"verdict":%q,"since":"2026-03-01T00:00:00Z","reasons":["checkout: because"],"services":[]}}`, all[i])
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestVerdict(t *testing.T) {
	for _, x := range []struct {
		answers []string
		more    []string
		code    int
	}{
		{[]string{"pass"}, nil, 0},
		{[]string{"fail"}, nil, 1},
		{[]string{"undecided"}, nil, 3},
		{[]string{"503"}, nil, 2},
		{[]string{"503", "pass"}, []string{"--wait=1s"}, 0},
		{[]string{"undecided", "fail"}, []string{"--wait=1s", "--format=json"}, 1},
		{[]string{"pass"}, []string{"--wait=soon"}, 2},
	} {
		var out, problems bytes.Buffer
		args := append([]string{"verdict", "--url=" + verdicts(t, x.answers...), `--match=job="checkout"`, "--since=10m"}, x.more...)
		require.Equal(t, x.code, run(args, &out, &problems), "%v: %s", x, problems.String())
		if x.code != 2 {
			require.Contains(t, out.String(), "checkout: because")
		}
	}
	var out, problems bytes.Buffer
	require.Equal(t, 2, run([]string{"verdict", "--match=x", "--url=gorowatch"}, &out, &problems))
	require.Contains(t, problems.String(), "--url: \"gorowatch\": expected a URL")
}
