package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/goroutines"
)

const leaking = "(*prices).refresh.func1"

// The leaky form leaves to the end of the process what the client of Redis has
// started to look after a subscription.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9.(*channel).initHealthCheck.func1"))
}

// list returns a price list in a Redis that runs in this process. At the end the
// client is closed, and that ends all subscriptions.
func list(t *testing.T) (*prices, *miniredis.Miniredis) {
	site := goroutines.At(t, leaking)
	t.Cleanup(func() { site.Holds(0) })
	server := miniredis.RunT(t)
	server.HSet(pricesKey, "tea", "3.20", "coffee", "4.10")
	db := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return &prices{db: db}, server
}

func TestLeakyLeavesASubscriptionForEveryRun(t *testing.T) {
	site := goroutines.At(t, leaking)
	p, _ := list(t)
	for range 5 {
		require.NoError(t, p.refresh(t.Context()))
	}
	site.Holds(5)
}

func TestFixedLeavesNothing(t *testing.T) {
	p, _ := list(t)
	require.NoError(t, p.reloadAll(t.Context())) // the pool's first connection
	ignore := goleak.IgnoreCurrent()
	for range 5 {
		require.NoError(t, p.refreshAndClose(t.Context()))
	}
	goroutines.NoneLeft(t, ignore)
}

func TestBothKnowThePrices(t *testing.T) {
	p, _ := list(t)
	for _, refresh := range []func(context.Context) error{p.refresh, p.refreshAndClose} {
		p.known.Clear()
		require.NoError(t, refresh(t.Context()))
		price, _ := p.known.Load("tea")
		require.Equal(t, "3.20", price)
	}
}

func TestAChangeIsHeard(t *testing.T) {
	p, server := list(t)
	require.NoError(t, p.refresh(t.Context()))
	server.HSet(pricesKey, "tea", "3.40")
	require.Eventually(t, func() bool {
		server.Publish(changes, "tea")
		price, _ := p.known.Load("tea")
		return price == "3.40"
	}, 2*time.Minute, 10*time.Millisecond)
}

func TestScheduleEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5500*time.Millisecond)
		defer cancel()
		runs := 0
		schedule(ctx, time.Second, func() { runs++ })
		require.Equal(t, 5, runs)
	})
}
