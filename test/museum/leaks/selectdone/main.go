// Command selectdone has a goroutine for every chart that is open, which waits
// for new figures or errors, and is not told when the chart is closed.
package main

import (
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type charts struct {
	fixed bool
	open  time.Duration
}

func (c *charts) show() {
	figures, failures, closed := make(chan float64), make(chan error), make(chan struct{})
	if !c.fixed {
		closed = nil
	}
	go func() {
		for {
			select {
			case <-figures:
			case <-failures:
				return
			case <-closed:
				return
			}
		}
	}()
	time.AfterFunc(c.open, func() {
		if closed != nil {
			close(closed)
		}
	})
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		c := &charts{fixed: e.Fixed, open: e.Time(20 * time.Second)}
		e.Often(c.show)
	})
}
