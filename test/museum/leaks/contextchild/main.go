// Command contextchild derives contexts from one of its own type, for which the
// context package starts a goroutine each, and forgets to cancel them.
package main

import (
	"context"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

// tunnel is a long-lived connection, and a context of what goes through it.
type tunnel struct{ closed chan struct{} }

func (t *tunnel) Done() <-chan struct{}            { return t.closed }
func (t *tunnel) Deadline() (_ time.Time, ok bool) { return }
func (t *tunnel) Value(any) any                    { return nil }

func (t *tunnel) Err() error {
	select {
	case <-t.closed:
		return context.Canceled
	default:
		return nil
	}
}

type call struct {
	ctx    context.Context
	cancel context.CancelFunc
}

type gateway struct {
	tunnel *tunnel
	fixed  bool
	failed int
}

func (g *gateway) forward() {
	var c call
	c.ctx, c.cancel = context.WithCancel(g.tunnel)
	if c.ctx.Err() != nil {
		g.failed++
	}
	if g.fixed {
		c.cancel()
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		g := &gateway{tunnel: &tunnel{closed: make(chan struct{})}, fixed: e.Fixed}
		e.Often(g.forward)
	})
}
