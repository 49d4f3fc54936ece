// Command ttlcache gives every report a cache with expiry, and never closes one.
package main

import (
	"time"

	"github.com/ReneKroon/ttlcache/v2"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type reports struct{ fixed bool }

func (r *reports) build() {
	cache := ttlcache.NewCache()
	if r.fixed {
		defer cache.Close()
	}
	exhibit.Must(0, cache.SetTTL(time.Hour))
	exhibit.Must(0, cache.Set("total", 12))
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		r := &reports{fixed: e.Fixed}
		e.Often(r.build)
	})
}
