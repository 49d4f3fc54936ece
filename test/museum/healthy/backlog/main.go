// Command backlog takes messages from a queue as they come and works on 20 at a
// time. For half an hour more come than it can do; then it catches up.
package main

import (
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type consumer struct {
	slots chan struct{}
	work  time.Duration
}

func (c *consumer) handle() {
	c.slots <- struct{}{}
	defer func() { <-c.slots }()
	time.Sleep(c.work)
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		c := &consumer{slots: make(chan struct{}, 20), work: e.Time(time.Minute)}
		e.Often(func() {
			go c.handle()
			if minutes := e.Age().Minutes(); minutes > 25 && minutes < 55 {
				go c.handle()
			}
		})
	})
}
