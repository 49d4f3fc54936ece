// Command semaphore renders at most 40 thumbnails at a time. One that fails does
// not give its place back, and when all places are lost everybody waits.
package main

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"golang.org/x/sync/semaphore"
)

type thumbnails struct {
	places *semaphore.Weighted
	fixed  bool
	count  atomic.Int64
}

func (t *thumbnails) render(w http.ResponseWriter, _ *http.Request) {
	if err := t.places.Acquire(context.Background(), 1); err != nil {
		return
	}
	if t.fixed {
		defer t.places.Release(1)
	}
	if t.count.Add(1)%2 == 0 {
		http.Error(w, "no picture", http.StatusUnprocessableEntity)
		return
	}
	_, _ = io.WriteString(w, "thumbnail\n")
	if !t.fixed {
		t.places.Release(1)
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		t := &thumbnails{places: semaphore.NewWeighted(40), fixed: e.Fixed}
		e.Mux.HandleFunc("GET /thumbnail", t.render)
		e.Get("/thumbnail")
	})
}
