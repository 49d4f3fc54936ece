// Rediscron refreshes a price list from Redis at every run of its schedule,
// and while a run lasts it listens for prices that change in the meantime.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/service"
)

func main() {
	var opts service.Options
	opts.Flags(flag.CommandLine)
	addr := flag.String("redis", "127.0.0.1:6379", "address of Redis")
	every := flag.Duration("every", 500*time.Millisecond, "time between two runs")
	flag.Parse()

	db := redis.NewClient(&redis.Options{Addr: *addr})
	defer db.Close()
	p := &prices{db: db}
	refresh := p.refresh
	if opts.Fixed {
		refresh = p.refreshAndClose
	}
	service.Main(opts, http.NewServeMux(), func(ctx context.Context, _ string) {
		schedule(ctx, *every, func() {
			if err := refresh(ctx); err != nil && ctx.Err() == nil {
				slog.Warn("cannot refresh the prices", "err", err)
			}
		})
	})
}

// schedule calls run at every interval until ctx ends.
func schedule(ctx context.Context, interval time.Duration, run func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			run()
		}
	}
}

// The keys and channels in Redis.
const (
	pricesKey = "prices"         // a hash: the price by article
	changes   = "prices.changed" // says which article has a new one
)

// prices is a copy of the list in Redis.
type prices struct {
	db    *redis.Client
	known sync.Map
}

// refresh leaks a goroutine, and the connection that it reads from, at every
// run: nothing ends the subscription.
func (p *prices) refresh(ctx context.Context) error {
	sub := p.db.Subscribe(ctx, changes)
	go func() {
		for changed := range sub.Channel() { // LEAK
			p.reload(ctx, changed.Payload)
		}
	}()
	return p.reloadAll(ctx)
}

// refreshAndClose subscribes for the run alone: closing the subscription
// closes its channel, and that ends the goroutine.
func (p *prices) refreshAndClose(ctx context.Context) error {
	sub := p.db.Subscribe(ctx, changes)
	defer sub.Close()
	go func() {
		for changed := range sub.Channel() {
			p.reload(ctx, changed.Payload)
		}
	}()
	return p.reloadAll(ctx)
}

func (p *prices) reloadAll(ctx context.Context) error {
	all, err := p.db.HGetAll(ctx, pricesKey).Result()
	for article, price := range all {
		p.known.Store(article, price)
	}
	return err
}

func (p *prices) reload(ctx context.Context, article string) {
	price, err := p.db.HGet(ctx, pricesKey, article).Result()
	switch {
	case errors.Is(err, redis.Nil):
		p.known.Delete(article)
	case err != nil:
		slog.Warn("cannot read a price", "article", article, "err", err)
	default:
		p.known.Store(article, price)
	}
}
