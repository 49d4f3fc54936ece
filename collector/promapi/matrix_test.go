package promapi

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func TestMatrixIsChunkedAndJoined(t *testing.T) {
	calls := 0
	a, b := map[string]string{"__name__": "x", "job": "a"}, map[string]string{"__name__": "x", "job": "b"}
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request, expr string) {
		require.Equal(t, "x > 1", expr)
		calls++
		var start, end int64
		_, _ = fmt.Sscan(r.Form.Get("start"), &start)
		_, _ = fmt.Sscan(r.Form.Get("end"), &end)
		var points []value
		for x := start; x <= end; x += 60 {
			points = append(points, value{x, "NaN"})
		}
		series := []any{stream(a, points...)}
		if calls == 2 {
			series = append(series, stream(b, points[:1]...))
		}
		matrix(w, []string{"careful"}, series...)
	})
	// At the start, at the end, and each minute between them.
	m, warnings, err := s.Matrix(t.Context(), "x > 1", t0, t0.Add(24*time.Minute))
	require.NoError(t, err)
	require.Equal(t, 3, calls)
	require.Equal(t, []string{"careful"}, warnings)
	require.Len(t, m, 2)
	require.Len(t, m[0].Values, 25, "what is not a number is a value all the same")
	for i, v := range m[0].Values {
		require.Equal(t, t0.Add(time.Duration(i)*time.Minute), v.Timestamp.Time().UTC())
	}
	require.Len(t, m[1].Values, 1)
	require.Equal(t, t0.Add(10*time.Minute), m[1].Values[0].Timestamp.Time().UTC())
}

func TestMatrixSaysWhatPrometheusSaysOfABadExpression(t *testing.T) {
	s, _ := server(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"status":"error","errorType":"bad_data","error":"1:3: parse error: unexpected end of input"}`)
	})
	_, _, err := s.Matrix(t.Context(), "x >", t0, t0)
	require.ErrorContains(t, err, `query "x >": bad_data: 1:3: parse error: unexpected end of input`)
	require.Equal(t, collector.ReasonBadData, collector.ReasonOf(err))
}
