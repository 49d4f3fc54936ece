package trend

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// diurnal is a healthy service's sample at a minute.
func diurnal(r *rand.Rand, minute int) Sample {
	f := 1 + 0.6*day(float64(minute))
	return Sample{T: t0.UnixMilli() + int64(minute)*60_000, Count: float64(int(100 + 150*f + 8*r.NormFloat64())), Load: f * (1 + 0.05*r.NormFloat64()), Start: 1}
}

func BenchmarkObserve(b *testing.B) {
	s := NewService(Options{})
	r := rand.New(rand.NewPCG(1, 1))
	xs := make([]Sample, 20*1440)
	for i := range xs {
		xs[i] = diurnal(r, i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		x := xs[i%len(xs)]
		x.T += int64(i/len(xs)) * int64(len(xs)) * 60_000
		s.Observe("a", x)
		i++
	}
}

// BenchmarkJudge is one evaluation of one service of one, with a sample and
// a completed block each time, as a daemon does it every minute. ns/op times
// 100,000 is what 100,000 live series cost an evaluation.
func BenchmarkJudge(b *testing.B) {
	for _, leak := range []bool{false, true} {
		b.Run(fmt.Sprintf("leak=%v", leak), func(b *testing.B) {
			s := NewService(Options{})
			r := rand.New(rand.NewPCG(1, 1))
			minute := 0
			step := func() {
				x := diurnal(r, minute)
				if leak && minute > 3000 {
					x.Count += float64(minute-3000) / 6
				}
				s.Observe("a", x)
				s.Judge(time.UnixMilli(x.T))
				minute++
			}
			for minute < 3*1440 {
				step()
			}
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}

func stateBytes(n int) float64 {
	r := rand.New(rand.NewPCG(1, 1))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	all := make([]*Service, n)
	for k := range all {
		s := NewService(Options{})
		for minute := range 11 * 1440 {
			s.Observe("instance-of-service", diurnal(r, minute))
		}
		all[k] = s
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(all)
	return float64(after.HeapAlloc-before.HeapAlloc) / float64(n)
}

func TestStateIsBounded(t *testing.T) {
	got := stateBytes(50)
	t.Logf("%.0f bytes a series", got)
	if got > 8192 {
		t.Fatalf("%.0f bytes", got)
	}
}
