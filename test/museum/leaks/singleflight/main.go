// Command singleflight loads exchange rates once for all who ask. One load hangs,
// and whoever asks from then on waits for it.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"golang.org/x/sync/singleflight"
)

type rates struct {
	group singleflight.Group
	addr  string
	hangs func() bool
	fixed bool
}

func (r *rates) load() (any, error) {
	if !r.hangs() {
		return 1.08, nil
	}
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if r.fixed {
		_ = conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
	}
	return io.ReadAll(conn)
}

func (r *rates) show(w http.ResponseWriter, _ *http.Request) {
	rate, err, _ := r.group.Do("EUR", r.load)
	fmt.Fprintln(w, rate, err)
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		r := &rates{addr: e.Stuck, fixed: e.Fixed}
		r.hangs = func() bool { return e.Age() > 2*time.Minute }
		e.Mux.HandleFunc("GET /rates", r.show)
		e.Get("/rates")
	})
}
