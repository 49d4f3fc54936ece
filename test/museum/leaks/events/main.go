// Command events gives every listener a queue of docker/go-events, and drops the
// queue of one that leaves without closing it.
package main

import (
	"sync/atomic"

	"github.com/docker/go-events"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type listener struct{ heard atomic.Int64 }

func (l *listener) Write(events.Event) error { l.heard.Add(1); return nil }
func (l *listener) Close() error             { return nil }

type bus struct{ fixed bool }

func (b *bus) attach() {
	queue := events.NewQueue(&listener{})
	if b.fixed {
		defer queue.Close()
	}
	exhibit.Must(0, queue.Write("joined"))
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		b := &bus{fixed: e.Fixed}
		e.Often(b.attach)
	})
}
