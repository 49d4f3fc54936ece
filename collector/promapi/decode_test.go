package promapi

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector/promapi/answer"
	"github.com/gorowatch/gorowatch/collector/promapi/points"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// matrixOf decodes like the API client of Prometheus.
func matrixOf(text []byte) (model.Matrix, bool) {
	var a struct {
		Status string
		Data   struct {
			ResultType string
			Result     model.Matrix
		}
	}
	if err := json.Unmarshal(text, &a); err != nil || a.Status != "success" {
		return nil, false
	}
	return a.Data.Result, true
}

func vectorOf(text []byte) (*vector, answer.Answer, error) {
	v := newVector(1000, signals.Default().Goroutines)
	v.named = true
	v.begin(true)
	a, err := answer.Decode(iotest.HalfReader(bytes.NewReader(text)), v.Take)
	v.End()
	return v, a, err
}

const example = `{"status":"success","data":{"resultType":"matrix","result":[` +
	`{"metric":{"__name__":"go_goroutines","instance":"a\"\u00e4\\","job":"x"},"values":[[1700000000,"1"],[1700000060.123,"2.5e3"],[1700000120,"NaN"],[1700000180,"-Inf"]]},` +
	`{"values":[[1700000000,"12345678901234567"]],"metric":{}},` +
	`{"metric":{"instance":"b"},"histograms":[[1700000000,{"count":"1"}]],"values":[]}` +
	`],"stats":{"x":[1,{}]}},"warnings":["partial"],"infos":["not a counter"]}`

func TestDecode(t *testing.T) {
	v, a, err := vectorOf([]byte(example))
	require.NoError(t, err)
	require.Equal(t, answer.Answer{Status: "success", Kind: "matrix", Warnings: []string{"partial"}, Infos: []string{"not a counter"}}, a)
	require.Len(t, v.read, 3)
	require.Equal(t, `{instance="a\"ä\\", job="x"}`, v.read[0].of.labels.String())
	require.Len(t, v.points, 5)
	require.Equal(t, points.Point{T: 1700000060123, V: 2500}, v.points[1])
	require.True(t, math.IsNaN(v.points[2].V) && math.IsInf(v.points[3].V, -1))
	require.Equal(t, points.Point{T: 1700000000000, V: 12345678901234567}, v.points[4])
	require.Equal(t, [2]int32{4, 5}, [2]int32{v.read[1].lo, v.read[1].hi})
	require.Equal(t, v.read[2].lo, v.read[2].hi)
}

// Decode understands what the API client understands, with the same result.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"status":"error","errorType":"bad_data","error":"x"}`))
	f.Add([]byte(`{"data":{"result":[{"metric":{"a":"b"},"values":[[1,"2"],[2,"3"]]}],"resultType":"matrix"},"status":"success"}`))
	f.Add([]byte(strings.Repeat("[", 20000)))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, a, err := vectorOf(text)
		want, ok := matrixOf(text)
		if !ok || err != nil || a.Status != "success" || v.duplicates > 0 || v.excess > 0 || !json.Valid(text) {
			return
		}
		distinct := map[model.Fingerprint]bool{}
		for _, s := range want {
			delete(s.Metric, model.MetricNameLabel)
			distinct[s.Metric.Fingerprint()] = true
		}
		if len(distinct) != len(want) || len(v.read) != len(want) {
			return // series that appear twice, or in nested doubles of a key
		}
		for i, s := range want {
			got := v.points[v.read[i].lo:v.read[i].hi]
			if len(got) != len(s.Values) {
				t.Fatalf("%d points, want %d", len(got), len(s.Values))
			}
			for k, p := range s.Values {
				if got[k].V != float64(p.Value) && !math.IsNaN(float64(p.Value)) {
					t.Fatalf("%v, want %v", got[k], p)
				}
			}
		}
	})
}
