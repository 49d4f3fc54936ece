package web

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// leastCompressed is the shortest answer that is compressed, in bytes.
const leastCompressed = 1024

// newCompress makes a handler that compresses answers with gzip or zstd, as the client accepts.
// It leaves compressed answers as they are.
func newCompress() (func(path string, next http.HandlerFunc) http.HandlerFunc, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(leastCompressed), gzhttp.ContentTypes([]string{
		"text/html", "text/css", "text/javascript", "text/plain", "application/json", "application/javascript", "image/svg+xml",
	}))
	if err != nil {
		return nil, err
	}
	return func(path string, next http.HandlerFunc) http.HandlerFunc {
		if strings.HasPrefix(path, "/api/v1/profiles/") {
			return next // half a profile must not look like a whole one
		}
		return wrap(next)
	}, nil
}
