// Command fasthttp asks a supplier for prices, with a timeout. Some requests the
// supplier never answers: the caller goes on, the request does not.
package main

import (
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"github.com/valyala/fasthttp"
)

type prices struct {
	client  fasthttp.Client
	url     string
	timeout time.Duration
}

func (p *prices) quote() {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(p.url)
	_ = p.client.DoTimeout(req, resp, p.timeout)
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		p := &prices{url: "http://" + e.Stuck + "/price", timeout: e.Time(2 * time.Second)}
		p.client.MaxConnsPerHost = 100_000
		e.Often(func() { go p.quote() })
	})
}
