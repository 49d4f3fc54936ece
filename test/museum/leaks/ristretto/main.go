// Command ristretto gives every campaign a cache, and drops the cache of one
// that is over without closing it.
package main

import (
	"github.com/dgraph-io/ristretto"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type campaigns struct {
	current *ristretto.Cache
	fixed   bool
}

func (c *campaigns) next() {
	if c.fixed && c.current != nil {
		c.current.Close()
	}
	c.current = exhibit.Must(ristretto.NewCache(&ristretto.Config{NumCounters: 1000, MaxCost: 100, BufferItems: 64}))
	c.current.Set("banner", "half price", 1)
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		c := &campaigns{fixed: e.Fixed}
		e.Often(c.next)
	})
}
