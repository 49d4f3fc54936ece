// Command timeoutsend asks a slow shop and gives up after a while. The answer
// that comes later has nobody to take it.
package main

import (
	"io"
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type shop struct {
	slow, timeout time.Duration
	fixed         bool
}

func (s *shop) quote(w http.ResponseWriter, _ *http.Request) {
	prices := make(chan string)
	if s.fixed {
		prices = make(chan string, 1)
	}
	go func() {
		time.Sleep(s.slow)
		prices <- "12.50\n"
	}()
	select {
	case price := <-prices:
		_, _ = io.WriteString(w, price)
	case <-time.After(s.timeout):
		http.Error(w, "the shop is slow", http.StatusGatewayTimeout)
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		s := &shop{slow: 300 * time.Millisecond, timeout: 100 * time.Millisecond, fixed: e.Fixed}
		e.Mux.HandleFunc("GET /quote", s.quote)
		e.Get("/quote")
	})
}
