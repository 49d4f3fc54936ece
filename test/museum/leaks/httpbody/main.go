// Command httpbody looks whether a feed is there, by the status of its answer,
// and never reads or closes the body.
package main

import (
	"net/http"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type feeds struct {
	client http.Client
	url    string
	fixed  bool
	up     int
}

func (f *feeds) probe() {
	resp, err := f.client.Get(f.url)
	if err != nil {
		return
	}
	if f.fixed {
		defer resp.Body.Close()
	}
	if resp.StatusCode == http.StatusOK {
		f.up++
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		f := &feeds{url: e.World + "/feed", fixed: e.Fixed}
		f.client.Transport = &http.Transport{}
		e.Often(f.probe)
	})
}
