package promapi

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func TestTargetsThatRefuse(t *testing.T) {
	for lastError, want := range map[string]bool{
		"": false,
		`Get \"http://10.0.0.7:80/metrics\": dial tcp 10.0.0.7:80: connect: connection refused`:                                                            true,
		`Get \"http://10.0.0.7:80/metrics\": dial tcp 10.0.0.7:80: connectex: No connection could be made because the target machine actively refused it.`: true,
		`Get \"http://10.0.0.7:80/metrics\": context deadline exceeded`:                                                                                    false,
		`Get \"http://a:80/metrics\": dial tcp: lookup a on 10.0.0.10:53: no such host`:                                                                    false,
		`Get \"http://10.0.0.7:80/metrics\": dial tcp 10.0.0.7:80: connect: no route to host`:                                                              false,
		`server returned HTTP status 500 Internal Server Error`:                                                                                            false,
		`unsupported Content-Type \"connection refused\"`:                                                                                                  false,
	} {
		s, _ := virtual(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"status":"success","data":{"activeTargets":[{"labels":{"job":"x"},"scrapeUrl":"http://a:80/metrics","lastError":"` + lastError + `","health":"down"}]}}`))
		})
		got, err := s.Targets(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got[0].Unreachable, lastError)
	}
}

func TestTargets(t *testing.T) {
	text := `{"status":"success","data":{"activeTargets":[
		{"discoveredLabels":{"__address__":"a:80"},"labels":{"instance":"a:80","job":"x"},"scrapePool":"x","scrapeUrl":"http://u:hunter2@a:80/metrics","health":"up"},
		{"labels":{"instance":"b"},"scrapeUrl":"file:///etc/passwd"},
		{"scrapeUrl":"https://c/m?x=1","labels":{"job":"\u00e4"}}],"droppedTargets":null}}`
	code := http.StatusOK
	s, _ := virtual(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/targets" {
			t.Error(r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(text))
	})
	first, err := s.Targets(t.Context())
	require.NoError(t, err)
	require.Len(t, first, 2)
	require.Equal(t, `{instance="a:80", job="x"}`, first[0].Labels.String())
	require.Equal(t, "a:80", first[0].Host)
	require.Equal(t, `{job="ä"}`, first[1].Labels.String())
	require.Equal(t, "https", first[1].Scheme)

	text, code = `{"status":"error","errorType":"bad_data","error":"no such thing"}`, http.StatusBadRequest
	_, err = s.Targets(t.Context())
	require.ErrorContains(t, err, "no such thing")
	text, code = `{"status":"success","data":{"activeTargets":[{"lab`, http.StatusOK
	_, err = s.Targets(t.Context())
	require.Equal(t, collector.ReasonBadData, collector.ReasonOf(err), err)
	code = http.StatusNotFound
	text = "404 page not found"
	_, err = s.Targets(t.Context())
	require.Error(t, err)
}
