// Command datadog reports the figures of each night's run with a client of its
// own, and closes it. Close sends one word to stop, and two goroutines wait for it.
package main

import (
	"time"

	"github.com/DataDog/datadog-go/statsd"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type runner struct{ addr string }

func (r *runner) report() {
	client := exhibit.Must(statsd.New(r.addr))
	_ = client.Count("runs", 1, []string{"kind:nightly"}, 1)
	_ = client.Timing("run", 12*time.Millisecond, nil, 1)
	_ = client.Close()
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		r := &runner{addr: e.Stuck}
		e.Often(r.report)
	})
}
