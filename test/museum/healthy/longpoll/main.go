// Command longpoll answers when there is news, or after 30 seconds; its clients
// come through the morning, and each asks again at once.
package main

import (
	"io"
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type inbox struct {
	news     chan string
	patience time.Duration
}

func (i *inbox) poll(w http.ResponseWriter, r *http.Request) {
	select {
	case message := <-i.news:
		_, _ = io.WriteString(w, message)
	case <-time.After(i.patience):
		w.WriteHeader(http.StatusNoContent)
	case <-r.Context().Done():
	}
}

func (i *inbox) deliver() {
	select {
	case i.news <- "you have mail\n":
	default:
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		i := &inbox{news: make(chan string), patience: e.Time(30 * time.Second)}
		e.Mux.HandleFunc("GET /poll", i.poll)
		e.Every(1200, i.deliver)
	})
}
