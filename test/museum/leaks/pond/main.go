// Command pond makes a pool of workers for each archive that it unpacks, waits
// for its tasks and forgets the pool.
package main

import (
	"sync/atomic"

	"github.com/alitto/pond"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type archives struct {
	fixed bool
	files atomic.Int64
}

func (a *archives) unpack() {
	pool := pond.New(4, 100)
	if a.fixed {
		defer pool.StopAndWait()
	}
	tasks := pool.Group()
	for range 6 {
		tasks.Submit(func() { a.files.Add(1) })
	}
	tasks.Wait()
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		a := &archives{fixed: e.Fixed}
		e.Often(a.unpack)
	})
}
