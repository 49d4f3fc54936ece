// Command backoff delivers webhooks and tries again until they arrive, which
// those to customers who have left never do.
package main

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type hooks struct {
	fixed bool
	pause time.Duration
	tries atomic.Int64
}

func (h *hooks) post() error {
	h.tries.Add(1)
	return errors.New("410 Gone")
}

func (h *hooks) deliver() {
	var policy backoff.BackOff = backoff.NewConstantBackOff(h.pause)
	if h.fixed {
		policy = backoff.WithMaxRetries(policy, 3)
	}
	_ = backoff.RetryNotify(h.post, policy, func(error, time.Duration) {})
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		h := &hooks{fixed: e.Fixed, pause: e.Time(20 * time.Second)}
		e.Often(func() { go h.deliver() })
	})
}
