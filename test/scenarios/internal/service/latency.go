package service

import (
	"sync/atomic"
	"time"
)

// Latency is the time that something slow takes: Usual most of the time, and Slow every
// Every-th time, counted and not drawn, so that two twins under the same load get the same
// number of slow ones. It is safe for concurrent use.
type Latency struct {
	Usual, Slow time.Duration
	Every       int64

	calls atomic.Int64
}

// Wait waits for the next time.
func (l *Latency) Wait() {
	if l.calls.Add(1)%l.Every == 0 {
		time.Sleep(l.Slow)
		return
	}
	time.Sleep(l.Usual)
}
