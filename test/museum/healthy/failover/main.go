// Command failover is a replica that becomes the leader after half an hour and
// then does the work of all shards.
package main

import (
	"sync/atomic"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type replica struct {
	shards int
	pause  time.Duration
	rounds atomic.Int64
}

func (r *replica) lead() {
	for range r.shards {
		go r.tend()
	}
}

func (r *replica) tend() {
	for range time.Tick(r.pause) {
		r.rounds.Add(1)
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		r := &replica{shards: 160, pause: e.Time(20 * time.Second)}
		go func() {
			if e.Sleep(30 * time.Minute) {
				r.lead()
			}
		}()
	})
}
