// Command sse shows a page with live prices. For each viewer it subscribes to
// the stream of the exchange, until the viewer leaves. The subscription then
// returns by its context, while its reader wants to hand over one more error.
package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"github.com/r3labs/sse/v2"
)

type dashboard struct {
	stream string
	stay   time.Duration
	last   atomic.Int64
}

// untilGone tries once more at once, unless the viewer has left.
type untilGone struct{ ctx context.Context }

func (u untilGone) Reset() {}

func (u untilGone) NextBackOff() time.Duration {
	if u.ctx.Err() != nil {
		return -1
	}
	return 100 * time.Millisecond
}

func (d *dashboard) view() {
	ctx, cancel := context.WithTimeout(context.Background(), d.stay)
	defer cancel()
	client := sse.NewClient(d.stream)
	client.ReconnectStrategy = untilGone{ctx}
	_ = client.SubscribeWithContext(ctx, "prices", func(*sse.Event) { d.last.Add(1) })
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		d := &dashboard{stream: e.World + "/events", stay: e.Time(40 * time.Second)}
		e.Often(func() { go d.view() })
	})
}
