// Command eventstream streams events to clients that come through the morning and stay.
package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type ticker struct{ pause time.Duration }

func (t *ticker) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flusher := http.NewResponseController(w)
	every := time.NewTicker(t.pause)
	defer every.Stop()
	for n := 0; ; n++ {
		fmt.Fprintf(w, "data: %d\n\n", n)
		if flusher.Flush() != nil {
			return
		}
		select {
		case <-every.C:
		case <-r.Context().Done():
			return
		}
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		t := &ticker{pause: e.Time(15 * time.Second)}
		e.Mux.HandleFunc("GET /stream", t.stream)
	})
}
