// Command costs is the target of the benchmark of what profiles cost: it has a number of
// goroutines, which wait as those of servers do, and reports how much CPU it has used and how
// long its world was stopped.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime/metrics"
	"strconv"
	"sync"
	"syscall"
)

// Used is the program's use of resources since its start.
type Used struct {
	CPU    float64 // seconds, user and system
	Pauses float64 // seconds for which the world was stopped, without the garbage collector
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	never := make(chan struct{})
	var mtx sync.Mutex
	mtx.Lock()
	for i := range n {
		go deep(i%17, i%7, never, &mtx)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/used", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(used()) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	go func() { // end with the benchmark
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	panic(http.Serve(l, mux))
}

// deep waits under so many frames.
//
//go:noinline
func deep(depth, kind int, never chan struct{}, mtx *sync.Mutex) {
	if depth > 0 {
		deep(depth-1, kind, never, mtx)
		return
	}
	switch kind {
	case 0:
		never <- struct{}{}
	case 1:
		mtx.Lock()
	case 2:
		<-make(chan int)
	case 3:
		select {
		case <-never:
		case <-make(chan int):
		}
	case 4:
		var wg sync.WaitGroup
		wg.Add(1)
		wg.Wait()
	default:
		<-never
	}
}

func used() Used {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	u := Used{CPU: seconds(r.Utime) + seconds(r.Stime)}
	samples := []metrics.Sample{{Name: "/sched/pauses/total/other:seconds"}}
	metrics.Read(samples)
	h := samples[0].Value.Float64Histogram()
	for i, n := range h.Counts {
		if lo, hi := h.Buckets[i], h.Buckets[i+1]; n > 0 && !math.IsInf(lo, 0) && !math.IsInf(hi, 0) {
			u.Pauses += float64(n) * (lo + hi) / 2
		}
	}
	return u
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
