//go:build unix

package trend

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
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

// BenchmarkJudge feeds one sample to a service with one instance and judges it, as the daemon does
// every minute. Its metric is the CPU time of an evaluation of 100,000 series. It is not wall
// time, which depends on what else the machine does.
func BenchmarkJudge(b *testing.B) {
	for _, leak := range []bool{false, true} {
		b.Run(fmt.Sprintf("leak=%v", leak), func(b *testing.B) {
			s := NewService(Options{})
			r := rand.New(rand.NewPCG(1, 1))
			xs := make([]Sample, 4*1440)
			for i := range xs {
				xs[i] = diurnal(r, i)
				if leak && i > 3000 {
					xs[i].Count += float64(i-3000) / 6
				}
			}
			for _, x := range xs[:3*1440] {
				s.Observe("a", x)
				s.Judge(time.UnixMilli(x.T))
			}
			xs = xs[3*1440:]
			b.ReportAllocs()
			began := cpuTime(b)
			i := 0
			for b.Loop() {
				x := xs[i%len(xs)]
				x.T += int64(i/len(xs)) * int64(len(xs)) * 60_000
				s.Observe("a", x)
				s.Judge(time.UnixMilli(x.T))
				i++
			}
			b.ReportMetric((cpuTime(b)-began).Seconds()/float64(i)*100_000, "cpu-s/100k-series")
		})
	}
}

// cpuTime returns the CPU time that the process has used so far.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkState measures the heap of a series with eleven days of history, in a service of its
// own.
func BenchmarkState(b *testing.B) {
	bytes := 0.0
	for b.Loop() {
		bytes = stateBytes(100)
	}
	b.ReportMetric(bytes, "B/series")
}

func stateBytes(n int) float64 {
	r := rand.New(rand.NewPCG(1, 1))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	all := make([]*Service, n)
	for k := range all {
		s := NewService(Options{})
		for minute := range 11 * 1440 {
			s.Observe("instance-of-service", diurnal(r, minute))
		}
		s.Judge(t0.Add(11 * 24 * time.Hour))
		all[k] = s
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(all)
	return (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / float64(n)
}

func TestStateIsBounded(t *testing.T) {
	// The rest of the process may grow meanwhile, so this is an upper bound.
	got := min(stateBytes(50), stateBytes(50), stateBytes(50))
	t.Logf("%.0f bytes a series", got)
	if got > 2560 {
		t.Fatalf("%.0f bytes", got)
	}
}
