// Command waitgroup asks three sources and waits for all. One that fails returns
// without saying that it is done.
package main

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type search struct {
	fixed bool
	found atomic.Int64
}

func (s *search) ask(source int, done *sync.WaitGroup) {
	if s.fixed {
		defer done.Done()
	}
	if source == 2 {
		return // this source is down
	}
	s.found.Add(1)
	if !s.fixed {
		done.Done()
	}
}

func (s *search) find(w http.ResponseWriter, _ *http.Request) {
	var done sync.WaitGroup
	for source := range 3 {
		done.Add(1)
		go s.ask(source, &done)
	}
	done.Wait()
	fmt.Fprintln(w, s.found.Load())
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		s := &search{fixed: e.Fixed}
		e.Mux.HandleFunc("GET /find", s.find)
		e.Get("/find")
	})
}
