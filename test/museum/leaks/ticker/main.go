// Command ticker asks for the place of a parcel every so often while somebody
// watches it. Stop ends the ticks, not the loop over them.
package main

import (
	"sync/atomic"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type parcels struct {
	asked atomic.Int64
	fixed bool
	stay  time.Duration
}

func (p *parcels) follow() {
	ticker := time.NewTicker(p.stay / 4)
	done := make(chan struct{})
	if p.fixed {
		go func() {
			for {
				select {
				case <-ticker.C:
					p.asked.Add(1)
				case <-done:
					return
				}
			}
		}()
	} else {
		go func() {
			for range ticker.C {
				p.asked.Add(1)
			}
		}()
	}
	time.AfterFunc(p.stay, func() {
		ticker.Stop()
		close(done)
	})
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		p := &parcels{fixed: e.Fixed, stay: e.Time(30 * time.Second)}
		e.Often(p.follow)
	})
}
