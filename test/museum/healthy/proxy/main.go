// Command proxy forwards requests and keeps its connections on both sides alive.
package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		behind := exhibit.Must(url.Parse(e.World))
		proxy := &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(behind) },
			Transport: &http.Transport{MaxIdleConnsPerHost: 200, IdleConnTimeout: e.Time(90 * time.Second)},
		}
		e.Mux.Handle("GET /slow", proxy)
	})
}
