// Command warmup keeps what was asked for fresh, with a goroutine for each key.
// In the first hour after a deploy most keys are asked for the first time.
package main

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type cache struct {
	mu      sync.Mutex
	keys    map[int]bool
	pause   time.Duration
	refresh atomic.Int64
}

func (c *cache) get(key int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.keys[key] {
		c.keys[key] = true
		go c.keepFresh()
	}
}

func (c *cache) keepFresh() {
	for range time.Tick(c.pause) {
		c.refresh.Add(1)
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		c := &cache{keys: map[int]bool{}, pause: e.Time(time.Minute)}
		e.Often(func() { c.get(rand.IntN(300)) })
	})
}
