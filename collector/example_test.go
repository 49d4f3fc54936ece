package collector_test

import (
	"fmt"
	"net/http"
	"net/url"
	"syscall"

	"github.com/gorowatch/gorowatch/collector"
)

// Every error of the collector has a reason, one of a closed set. Programs decide and count by
// it. The text is for people and never shows a secret.
func ExampleReasonOf() {
	u := &url.URL{
		Scheme: "http", User: url.UserPassword("reader", "secret"), Host: "localhost:6060",
		Path: "/debug/pprof/goroutine", RawQuery: "token=secret",
	}
	// This is the error of an http.Client if nothing listens.
	failed := &url.Error{Op: http.MethodGet, URL: u.String(), Err: syscall.ECONNREFUSED}

	err := collector.NetworkError(u, failed)
	fmt.Println(collector.ReasonOf(err))
	fmt.Println(err)
	// Output:
	// refused
	// http://localhost:6060/debug/pprof/goroutine?token=xxx: connection refused
}
