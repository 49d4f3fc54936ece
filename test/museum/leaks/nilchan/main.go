// Command nilchan has a goroutine for each room that waits for the word to
// close. Rooms that were loaded from disk have no channel for it.
package main

import (
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type room struct {
	name   string
	closed chan struct{}
}

// restore returns how rooms come from disk.
func restore(name string, fixed bool) *room {
	r := &room{name: name}
	if fixed {
		r.closed = make(chan struct{})
	}
	return r
}

func (r *room) keep() { <-r.closed }

func (r *room) shut() {
	if r.closed != nil {
		close(r.closed)
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		e.Often(func() {
			r := restore("lobby", e.Fixed)
			go r.keep()
			time.AfterFunc(e.Time(20*time.Second), r.shut)
		})
	})
}
