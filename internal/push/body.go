package push

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/gorowatch/gorowatch/internal/human"
)

// contentTypes are those that a path takes.
type contentTypes struct {
	types []string
	text  string // what to expect, for people
}

func (c contentTypes) include(header string) bool {
	typ, _, err := mime.ParseMediaType(header)
	return (err == nil || header == "") && slices.Contains(c.types, typ)
}

// readBody reads a request, which may be compressed. Both what is sent and what it
// decompresses to are bounded. n is the number of bytes that were sent.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, n int64, _ *problem) {
	encoding := r.Header.Get("Content-Encoding")
	if encoding != "" && encoding != "identity" && encoding != "gzip" {
		return nil, 0, drop(ReasonContentType, fmt.Sprintf("Content-Encoding: %s, expected gzip or none", human.Line(encoding, 40)))
	}
	sent, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	n = int64(len(sent))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, n, tooLarge(limit)
	}
	if err != nil {
		if r.Context().Err() != nil {
			return nil, n, drop(ReasonCanceled, "the request ended early")
		}
		return nil, n, drop(ReasonBadRequest, "the body cannot be read: "+human.Line(err.Error(), 100))
	}
	if encoding != "gzip" {
		return sent, n, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(sent))
	if err != nil {
		return nil, n, drop(ReasonBadRequest, "the body is not compressed by gzip, as Content-Encoding says")
	}
	body, err = io.ReadAll(io.LimitReader(z, limit+1))
	switch {
	case int64(len(body)) > limit:
		return nil, n, tooLarge(limit)
	case err != nil:
		return nil, n, drop(ReasonBadRequest, "the body is damaged: "+human.Line(err.Error(), 100))
	}
	return body, n, nil
}

func tooLarge(limit int64) *problem {
	return drop(ReasonTooLarge, fmt.Sprintf("the request has more than %s (profiles.push.request_limit)", human.Bytes(float64(limit))))
}
