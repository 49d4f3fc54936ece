// Command outage waits for a dependency that hangs from minute 20 to minute 60.
// Whoever asked in the meantime is answered then.
package main

import (
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type orders struct {
	back chan struct{}
	down func() bool
}

func (o *orders) place() {
	if o.down() {
		<-o.back
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		o := &orders{back: make(chan struct{})}
		o.down = func() bool { return e.Age() > 20*time.Minute && e.Age() < 60*time.Minute }
		go func() {
			if e.Sleep(60 * time.Minute) {
				close(o.back)
			}
		}()
		e.Often(func() { go o.place() })
	})
}
