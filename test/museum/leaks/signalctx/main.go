// Command signalctx makes a context that ends with SIGTERM for each request, and
// never releases it.
package main

import (
	"context"
	"io"
	"net/http"
	"os/signal"
	"syscall"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type checkout struct {
	base  context.Context
	fixed bool
}

func (c *checkout) pay(w http.ResponseWriter, _ *http.Request) {
	ctx, release := signal.NotifyContext(c.base, syscall.SIGUSR1)
	if c.fixed {
		defer release()
	}
	if ctx.Err() == nil {
		_, _ = io.WriteString(w, "paid\n")
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		c := &checkout{base: e.Ctx, fixed: e.Fixed}
		e.Mux.HandleFunc("GET /pay", c.pay)
		e.Get("/pay")
	})
}
