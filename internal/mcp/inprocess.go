package mcp

import (
	"io"
	"net/http"
	"strings"
)

// inProcess asks a handler instead of a network. prefix is what the paths of its URLs
// have before those of the handler.
type inProcess struct {
	handler http.Handler
	prefix  string
}

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &answer{header: http.Header{}, code: http.StatusOK}
	r = r.Clone(r.Context())
	r.URL.Path, r.URL.RawPath = strings.TrimPrefix(r.URL.Path, t.prefix), strings.TrimPrefix(r.URL.RawPath, t.prefix)
	r.RequestURI = r.URL.RequestURI()
	t.handler.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.code, Status: http.StatusText(w.code), Header: w.header, Request: r,
		Body: io.NopCloser(strings.NewReader(w.body.String())),
	}, nil
}

// answer keeps what a handler writes.
type answer struct {
	header http.Header
	code   int
	body   strings.Builder
}

func (w *answer) Header() http.Header         { return w.header }
func (w *answer) WriteHeader(code int)        { w.code = code }
func (w *answer) Write(b []byte) (int, error) { return w.body.Write(b) }
