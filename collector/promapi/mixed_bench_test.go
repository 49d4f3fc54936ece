package promapi

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/gorowatch/gorowatch/collector/promapi/answer"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// fleetOf writes an answer with a number of instances. name gives the name of each; those with
// a second name have a second series.
func fleetOf(series int, name func(i int) string, second func(i int) string) []byte {
	b := []byte(`{"status":"success","data":{"resultType":"matrix","result":[`)
	one := func(i int, name string, v int) {
		if b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		b = append(b, `{"metric":{`...)
		if name != "" {
			b = fmt.Appendf(b, `"__name__":"%s",`, name)
		}
		b = fmt.Appendf(b, `"cluster":"eu-1","container":"app","endpoint":"http","instance":"10.%d.%d.%d:8080","job":"service-%d","namespace":"team-%d","pod":"service-%d-7d9c8b6f5-%05d"},"values":[[1700000000,"%d"]]}`,
			i>>16, i>>8&255, i&255, i/20, i/200, i/20, i, v)
	}
	for i := range series {
		one(i, name(i), 100+i%50)
		if more := second(i); more != "" {
			one(i, more, 101+i%50)
		}
	}
	return append(b, "]}}"...)
}

// BenchmarkEvaluation reads and joins an evaluation of 100,000 instances: with one name each,
// with mixed names, and with two names for each twentieth and for all.
func BenchmarkEvaluation(b *testing.B) {
	const n = 100_000
	none := func(int) string { return "" }
	always := func(name string) func(int) string { return func(int) string { return name } }
	mixed := func(i int) string { return signals.DefaultNames().Goroutines[i%4] }
	for _, c := range []struct {
		name                        string
		counts, second, load, start func(int) string
	}{
		{"one", always("go_goroutines"), none, none, always("process_start_time_seconds")},
		{"mixed", mixed, none, func(i int) string { return []string{"", "process_cpu_time_seconds_total"}[i%2] }, func(i int) string {
			return []string{"process_start_time_seconds", "process_uptime_seconds"}[i%2]
		}},
		{"twentieth_with_two", always("go_goroutines"), func(i int) string {
			if i%20 == 0 {
				return "go_sched_goroutines_goroutines"
			}
			return ""
		}, none, always("process_start_time_seconds")},
		{"all_with_two", always("go_goroutines"), always("go_sched_goroutines_goroutines"), none, always("process_start_time_seconds")},
	} {
		b.Run(c.name, func(b *testing.B) {
			set := signals.Default()
			j := join{counts: newVector(n, set.Goroutines), loads: newVector(8*n, set.Load), starts: newVector(8*n, set.Start), metrics: NewMetrics(nil), young: signals.Range, units: set.Load.Units(), decide: true}
			j.counts.named = true
			texts := [3][]byte{fleetOf(n, c.counts, c.second), fleetOf(n, c.load, none), fleetOf(n, c.start, none)}
			at := time.Unix(1_700_000_000, 0)
			b.ReportAllocs()
			evaluate := func() {
				j.begin(at.Add(-time.Minute), at)
				for i, v := range []*vector{j.counts, j.loads, j.starts} {
					v.begin(true)
					if _, err := answer.Decode(bytes.NewReader(texts[i]), v.Take); err != nil {
						b.Fatal(err)
					}
					v.End()
					v.choose()
				}
				j.assign()
				j.add(0)
				if got := len(j.end()); got != n {
					b.Fatal(got)
				}
			}
			evaluate() // the labels are learnt once
			for b.Loop() {
				evaluate()
			}
		})
	}
}
