// Command transport makes a client with a transport of its own for each
// question. The idle connection of each is kept forever, with its two goroutines.
package main

import (
	"io"
	"net/http"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type weather struct {
	url    string
	shared *http.Client // the fixed form has one
	bytes  int64
}

func (w *weather) ask() {
	client := w.shared
	if client == nil {
		client = &http.Client{Transport: &http.Transport{MaxIdleConns: 10}}
	}
	resp, err := client.Get(w.url)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	n, _ := io.Copy(io.Discard, resp.Body)
	w.bytes += n
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		w := &weather{url: e.World + "/ok"}
		if e.Fixed {
			w.shared = &http.Client{Transport: &http.Transport{}}
		}
		e.Often(w.ask)
	})
}
