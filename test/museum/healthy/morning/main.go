// Command morning has more and more requests in flight, each of which waits for
// a minute, while its users get up: from none to two hundred in two hours.
package main

import (
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type reports struct{ takes time.Duration }

func (r *reports) build() { time.Sleep(r.takes) }

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		r := &reports{takes: e.Time(time.Minute)}
		awake := 0.0
		e.Often(func() {
			// Of all who could come, as many do as are awake.
			awake += min(e.Age().Hours()/2, 1)
			for ; awake >= 1; awake-- {
				go r.build()
			}
		})
	})
}
