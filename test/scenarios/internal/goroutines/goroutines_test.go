package goroutines

import (
	"runtime"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wait stands at the marked line until gate is closed.
func wait(gate <-chan struct{}) {
	<-gate // LEAK
}

// elsewhere stands in another function.
func elsewhere(gate <-chan struct{}) {
	<-gate
}

func TestSiteCountsWhatStandsThere(t *testing.T) {
	before := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { wait(before) })
	for count(t, "wait", marked(t)) == 0 {
		runtime.Gosched()
	}

	site := At(t, "wait") // one stands there already, and does not count
	gate := make(chan struct{})
	for range 3 {
		all.Go(func() { wait(gate) })
		all.Go(func() { elsewhere(gate) })
	}
	site.Holds(3)
	close(gate)
	site.Holds(0)
	close(before)
	all.Wait()
}
