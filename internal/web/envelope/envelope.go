// Package envelope writes the answers of the JSON API in the envelope of Prometheus' API:
// status, data, errorType, error.
//
// The package owns the envelope, the entity tag of an answer and the types of errors. It does
// not know the content of an answer, which comes from the handlers of internal/web/apiv1 and
// internal/web/inbound.
package envelope

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

// ErrorType says what kind of error an answer is.
type ErrorType string

// The types of errors.
const (
	BadData          ErrorType = "bad_data"
	NotFound         ErrorType = "not_found"
	Unavailable      ErrorType = "unavailable"
	Forbidden        ErrorType = "forbidden"
	MethodNotAllowed ErrorType = "method_not_allowed"
)

// TypeOf returns the type of an error by the status of its answer.
func TypeOf(code int) ErrorType {
	switch {
	case code == http.StatusNotFound:
		return NotFound
	case code >= http.StatusInternalServerError:
		return Unavailable
	}
	return BadData
}

type envelope struct {
	Status    string    `json:"status"`
	Data      any       `json:"data,omitempty"`
	ErrorType ErrorType `json:"errorType,omitempty"`
	Error     string    `json:"error,omitempty"`
}

// Writer writes answers. The zero value must not be used: Logger is required.
type Writer struct{ Logger *slog.Logger }

// Send answers with data. The entity tag is that of its content, so that a client
// that has it already gets 304 and no body.
func (x Writer) Send(w http.ResponseWriter, r *http.Request, data any) {
	b, ok := x.encode(w, envelope{Status: "success", Data: data})
	if !ok {
		return
	}
	sum := sha256.Sum256(b)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	w.Header().Set("Etag", "W/"+tag)            // the same for each compression
	w.Header().Set("Cache-Control", "no-cache") // may be cached, but not used without asking
	for have := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(have), "W/") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}

// Refuse answers with an error.
func (x Writer) Refuse(w http.ResponseWriter, code int, kind ErrorType, text string) {
	if b, ok := x.encode(w, envelope{Status: "error", ErrorType: kind, Error: text}); ok {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(code)
		_, _ = w.Write(b)
	}
}

func (x Writer) encode(w http.ResponseWriter, e envelope) ([]byte, bool) {
	b, err := json.Marshal(e)
	if err != nil {
		x.Logger.Error("Cannot encode an API response", "err", err)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "The answer could not be encoded; the log says why.\n")
		return nil, false
	}
	return append(b, '\n'), true
}
