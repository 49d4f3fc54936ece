// Command redisclient makes a client for each request, which is not closed.
package main

import (
	"context"

	"github.com/go-redis/redis/v8"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type carts struct {
	addr  string
	fixed bool
}

func (c *carts) count(ctx context.Context) {
	client := redis.NewClient(&redis.Options{Addr: c.addr})
	if c.fixed {
		defer client.Close()
	}
	_ = client.Incr(ctx, "carts").Err()
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		c := &carts{addr: e.Redis, fixed: e.Fixed}
		e.Often(func() { c.count(e.Ctx) })
	})
}
