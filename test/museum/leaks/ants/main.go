// Command ants makes a pool of workers for each batch of invoices, and releases
// it. Release stops the goroutine that purges workers; in the version with the
// bug it does not stop the one that keeps the time.
package main

import (
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"github.com/panjf2000/ants/v2"
)

type billing struct{ sent int }

func (b *billing) batch() {
	pool := exhibit.Must(ants.NewPool(4))
	defer pool.Release()
	var mu sync.Mutex
	var done sync.WaitGroup
	for range 10 {
		done.Add(1)
		exhibit.Must(0, pool.Submit(func() {
			defer done.Done()
			time.Sleep(time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			b.sent++
		}))
	}
	done.Wait()
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		b := &billing{}
		e.Often(b.batch)
	})
}
