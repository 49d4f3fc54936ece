// Command deadline gives a converter a deadline. One that takes longer and does
// not look at its stopper has, when it is done, nobody to tell.
package main

import (
	"sync/atomic"
	"time"

	"github.com/eapache/go-resiliency/deadline"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type converter struct {
	limit *deadline.Deadline
	takes time.Duration
	late  atomic.Int64
}

func (c *converter) convert() {
	err := c.limit.Run(func(<-chan struct{}) error {
		time.Sleep(c.takes)
		return nil
	})
	if err == deadline.ErrTimedOut {
		c.late.Add(1)
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		c := &converter{limit: deadline.New(50 * time.Millisecond), takes: 200 * time.Millisecond}
		e.Often(func() { go c.convert() })
	})
}
