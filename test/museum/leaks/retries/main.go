// Command retries sends letters with lestrrat's backoff, which offers the next try
// while the last one still runs. When that succeeds, the offer is never taken.
package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"github.com/lestrrat-go/backoff/v2"
)

type letters struct {
	policy backoff.Policy
	takes  time.Duration
	sent   atomic.Int64
}

func (l *letters) send(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tries := l.policy.Start(ctx)
	for backoff.Continue(tries) {
		time.Sleep(l.takes) // the post office is slow, and takes it
		l.sent.Add(1)
		return
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		l := &letters{policy: backoff.Constant(backoff.WithInterval(20 * time.Millisecond)), takes: 150 * time.Millisecond}
		e.Often(func() { go l.send(e.Ctx) })
	})
}
