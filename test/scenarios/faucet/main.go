// Faucet leaks when it is told to, and gives all back when it is told that:
// POST /open?rate=20 for so many goroutines a second, POST /drain. With --fixed
// nothing ever stays. POST /push has it push its profiles.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/service"
)

func main() {
	var opts service.Options
	opts.Flags(flag.CommandLine)
	flag.Parse()
	f := &faucet{drops: make(chan int), pushes: make(chan pusher), fixed: opts.Fixed}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /open", f.open)
	mux.HandleFunc("POST /drain", f.drain)
	mux.HandleFunc("POST /push", f.push)
	service.Main(opts, mux, func(ctx context.Context, _ string) { f.run(ctx) }, func(ctx context.Context, _ string) { f.runPushes(ctx) })
}

// step is the time between two looks at what is to drip.
const step = 50 * time.Millisecond

type faucet struct {
	drops  chan int
	pushes chan pusher // where to push profiles to, once
	fixed  bool

	mtx  sync.Mutex
	rate float64 // goroutines per second
	held int     // that wait
}

// open lets it drip.
func (f *faucet) open(w http.ResponseWriter, r *http.Request) {
	rate, err := strconv.ParseFloat(r.FormValue("rate"), 64)
	if err != nil || !(rate > 0 && rate <= 1000) {
		http.Error(w, "rate: expected goroutines per second, at most 1000", http.StatusBadRequest)
		return
	}
	f.mtx.Lock()
	defer f.mtx.Unlock()
	f.rate = rate
}

// drain closes it and waits until nothing of what has leaked is left.
func (f *faucet) drain(w http.ResponseWriter, _ *http.Request) {
	f.mtx.Lock()
	defer f.mtx.Unlock()
	n := f.held
	for ; f.held > 0; f.held-- {
		<-f.drops
	}
	f.rate = 0
	fmt.Fprintln(w, n)
}

// run drips until ctx ends.
func (f *faucet) run(ctx context.Context) {
	tick := time.NewTicker(step)
	defer tick.Stop()
	var due float64
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f.mtx.Lock()
		due += f.rate * step.Seconds()
		for ; due >= 1; due-- {
			n++
			if f.fixed {
				continue
			}
			f.held++
			go f.drip(n)
		}
		f.mtx.Unlock()
	}
}

// drip waits for somebody to take the drop.
func (f *faucet) drip(n int) {
	f.drops <- n // LEAK
}
