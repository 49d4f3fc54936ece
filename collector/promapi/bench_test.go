package promapi

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/gorowatch/gorowatch/collector/promapi/answer"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// BenchmarkDecode reads the answers of an evaluation (10,000 series, few points) and of history
// (1,000 series, many points), with known series.
func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct{ series, points int }{{10_000, 1}, {10_000, 4}, {1_000, 240}} {
		b.Run(fmt.Sprintf("series=%d/points=%d", c.series, c.points), func(b *testing.B) {
			text := queryAnswer(c.series, c.points)
			v := newVector(c.series, signals.Default().Goroutines)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				v.begin(true)
				if _, err := answer.Decode(bytes.NewReader(text), v.Take); err != nil {
					b.Fatal(err)
				}
				v.End()
			}
		})
	}
}

// queryAnswer writes an answer of a Prometheus, with labels as Kubernetes gives them.
func queryAnswer(series, points int) []byte {
	b := []byte(`{"status":"success","data":{"resultType":"matrix","result":[`)
	for i := range series {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"metric":{"__name__":"go_goroutines","cluster":"eu-1","container":"app","endpoint":"http","instance":"10.0.%d.%d:8080","job":"service-%d","namespace":"team-%d","pod":"service-%d-7d9c8b6f5-%05d"},"values":[`, i/256, i%256, i/20, i/200, i/20, i)
		for k := range points {
			if k > 0 {
				b = append(b, ',')
			}
			b = fmt.Appendf(b, `[%d,"%d"]`, 1700000000+60*k, 100+i%50+k%7)
		}
		b = append(b, "]}"...)
	}
	return append(b, "]}}"...)
}
