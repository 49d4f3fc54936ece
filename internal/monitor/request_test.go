package monitor

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/ondemand"
)

var cart = labels.FromStrings("namespace", "shop", "job", "cart")

// The stacks of a capture have the program, as those of a leak do.
func TestRequestOfAReleasedProgram(t *testing.T) {
	for file, want := range map[string]string{"go.etcd.io/etcd/server/v3/main.go": "go.etcd.io/etcd", "/src/shop/main.go": "", "": ""} {
		w := newWorld(t)
		p := w.add("cart", "a:1", process{fn: "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc.(*serverWatchStream).sendLoop", main: file})
		w.run(3 * time.Hour)
		p.onset, p.perHour = w.now.Add(-10*time.Minute), 600
		require.NoError(t, w.monitor.Request(t.Context(), w.now, Request{Service: cart, Instance: "a:1", Why: "TooManyGoroutines"}))
		w.monitor.Wait()
		w.run(time.Minute)
		c := w.monitor.Captures()
		require.Len(t, c, 1)
		require.Equal(t, want, c[0].Stacks[0].Program, file)
	}
}

// In a quiet service, an incoming alert asks for profiles, which are taken at once, for a
// while, and compared with the one before.
func TestRequest(t *testing.T) {
	w := newWorld(t)
	p := w.add("cart", "a:1", process{fn: "main.leak"})
	w.add("cart", "b:1", process{steady: 30})
	w.add("cart", "c:1", process{steady: 10})
	w.run(3 * time.Hour)
	before := w.pulls["cart/a:1"]

	p.onset, p.perHour = w.now.Add(-10*time.Minute), 600 // 100 already, which nothing has noticed yet
	require.NoError(t, w.monitor.Request(t.Context(), w.now, Request{Service: cart, Instance: "a:1", Why: "TooManyGoroutines"}))
	w.monitor.Wait()
	require.Equal(t, before+1, w.pulls["cart/a:1"], "at once")
	for range 100 {
		require.NoError(t, w.monitor.Request(t.Context(), w.now, Request{Service: cart, Instance: "b:1", Why: "again"}))
	}
	w.monitor.Wait()
	require.Equal(t, before+1, w.pulls["cart/a:1"], "once")
	w.run(time.Minute)
	c := w.monitor.Captures()
	require.Len(t, c, 1)
	require.Equal(t, "TooManyGoroutines", c[0].Why)
	require.Equal(t, "a:1", c[0].Instance)
	require.Len(t, c[0].Profiles, 2, "the last baseline, and this one")
	require.Equal(t, "main.leak", c[0].Stacks[0].Key.Func)
	require.Equal(t, int64(100), c[0].Stacks[0].Delta())

	p.perHour = 0
	p.onset = time.Time{}
	at := w.now
	w.run(9 * time.Minute)
	require.Len(t, w.monitor.Captures()[0].Profiles, 5, "a while longer")
	w.run(20 * time.Minute)
	require.LessOrEqual(t, w.pulls["cart/a:1"]-before, profiling.RequestPulls+1, "and then no more, but for a baseline")
	for in := range w.monitor.services.Lookup(cart).Fleet.Instances() {
		require.Zero(t, w.monitor.services.Lookup(cart).Profiles.Inventory(in.Name).InMemory, "what is in the archive is not kept in memory")
	}
	require.WithinDuration(t, at, w.monitor.Captures()[0].At, time.Minute)

	// Without an instance, or with an unknown one, those with the most goroutines.
	require.NoError(t, w.monitor.Request(t.Context(), w.now, Request{Service: cart, Instance: "http://evil", Why: "x"}))
	w.run(time.Minute)
	require.Equal(t, []string{"a:1", "b:1", "a:1"}, []string{w.monitor.Captures()[0].Instance, w.monitor.Captures()[1].Instance, w.monitor.Captures()[2].Instance})

	require.ErrorIs(t, w.monitor.Request(t.Context(), w.now, Request{Service: labels.FromStrings("job", "cart")}), errUnknownService)
}

// Failures have a reason; requests without end are bounded.
func TestRequestInVain(t *testing.T) {
	w := newWorld(t)
	w.add("cart", "a:1", process{pprof: collector.Errorf(collector.ReasonRefused, "connection refused")})
	w.run(10 * time.Minute)
	for range ondemand.MaxCaptures + 20 {
		require.NoError(t, w.monitor.Request(t.Context(), w.now, Request{Service: cart, Why: "x"}))
		w.run(9 * time.Minute)
	}
	c := w.monitor.Captures()
	require.Len(t, c, ondemand.MaxCaptures)
	require.Equal(t, "connection refused", c[0].Error)
	require.Empty(t, c[0].Profiles)
}

// A request for a service that leaks does not harm the leak.
func TestRequestOfASuspect(t *testing.T) {
	w := newWorld(t)
	w.add("cart", "a:1", process{onset: w.now.Add(time.Hour), perHour: 300, fn: "main.leak"})
	for len(w.firing()) == 0 {
		w.run(5 * time.Minute)
		require.NoError(t, w.monitor.Request(t.Context(), w.now, Request{Service: cart, Why: "x"}))
		require.Less(t, w.now.Sub(t0), 6*time.Hour)
	}
	l := w.firing()[0]
	require.Equal(t, "main.leak", l.Stacks[0].Key.Func)
	w.run(5 * time.Minute)
	require.Equal(t, "main.leak", w.monitor.Captures()[0].Stacks[0].Key.Func)
}

// Captures survive a restart, a bucket that was full when they were made, and one that could
// not be read at the start.
func TestCapturesOutliveARestart(t *testing.T) {
	w := newWorld(t)
	w.add("cart", "a:1", process{fn: "main.leak", steady: 20})
	w.add("cart", "b:1", process{steady: 30})
	w.run(3 * time.Hour)
	w.full = errors.New("no space left on device")
	require.NoError(t, w.monitor.Request(t.Context(), w.now, Request{Service: cart, Why: "TooManyGoroutines"}))
	w.run(2 * time.Minute)
	require.Empty(t, w.captured)
	w.full = nil
	w.run(time.Hour)
	before := w.monitor.Captures()
	require.Len(t, before, 2)
	require.NotEqual(t, before[0].ID, before[1].ID)
	require.NotEmpty(t, before[0].Profiles)

	w.start()
	require.Equal(t, before, w.monitor.Captures())
	w.lost = errors.New("503")
	w.start()
	require.Empty(t, w.monitor.Captures())
	w.run(time.Minute)
	require.NoError(t, w.monitor.Request(t.Context(), w.now, Request{Service: cart, Instance: "a:1", Why: "again"}))
	w.lost = nil
	w.run(10 * time.Minute)
	after := w.monitor.Captures()
	require.Len(t, after, 3)
	require.Equal(t, "again", after[0].Why)
	require.Equal(t, before, after[1:])
}

// Pages read what the cycle and requests change; for the race detector.
func TestPagesBesideTheCycle(t *testing.T) {
	w := newWorld(t)
	w.add("cart", "a:1", process{onset: w.now.Add(time.Hour), perHour: 600, fn: "main.leak"})
	w.add("shop", "b:1", process{steady: 30})
	w.run(10 * time.Minute)
	stop := make(chan struct{})
	var pages sync.WaitGroup
	pages.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			_, _, _, _ = w.monitor.Services(), w.monitor.Captures(), w.monitor.Leaks(), w.monitor.State()
			_, _ = w.monitor.Explain(cart), w.monitor.Floors(cart, t0)
		}
	})
	defer pages.Wait()
	defer close(stop)
	for range 12 {
		require.NoError(t, w.monitor.Request(t.Context(), w.now, Request{Service: cart, Why: "x"}))
		w.run(20 * time.Minute)
	}
	require.NotEmpty(t, w.firing())
}
