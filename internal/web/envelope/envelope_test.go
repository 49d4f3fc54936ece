package envelope

import (
	"bytes"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// send answers a request with an entity tag.
func send(x Writer, have string, data any) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if have != "" {
		r.Header.Set("If-None-Match", have)
	}
	w := httptest.NewRecorder()
	x.Send(w, r, data)
	return w
}

func TestSend(t *testing.T) {
	x := Writer{Logger: slog.New(slog.DiscardHandler)}
	first := send(x, "", map[string]int{"a": 1})
	require.Equal(t, http.StatusOK, first.Code)
	require.Equal(t, "application/json", first.Header().Get("Content-Type"))
	require.Equal(t, "no-cache", first.Header().Get("Cache-Control"))
	require.JSONEq(t, `{"status":"success","data":{"a":1}}`, first.Body.String())
	require.True(t, strings.HasSuffix(first.Body.String(), "}\n"), "a line of its own in a terminal")
	tag := first.Header().Get("Etag")
	require.Regexp(t, `^W/"[0-9a-f]{24}"$`, tag)

	weak := tag
	tag = strings.TrimPrefix(tag, "W/")
	for have, code := range map[string]int{
		tag:                    http.StatusNotModified,
		tag:                    http.StatusNotModified,
		`"x", ` + tag + `,"y"`: http.StatusNotModified,
		`"x",W/` + tag:         http.StatusNotModified,
		`"x"`:                  http.StatusOK,
		tag[1 : len(tag)-1]:    http.StatusOK,
		tag[:len(tag)-2] + `"`: http.StatusOK,
		tag + "x":              http.StatusOK,
		`"` + tag[1:] + ` "x"`: http.StatusOK,
	} {
		w := send(x, have, map[string]int{"a": 1})
		require.Equal(t, code, w.Code, have)
		require.Equal(t, weak, w.Header().Get("Etag"), have)
		require.Equal(t, code == http.StatusNotModified, w.Body.Len() == 0, have)
	}
	changed := send(x, tag, map[string]int{"a": 2})
	require.Equal(t, http.StatusOK, changed.Code)
	require.NotEqual(t, weak, changed.Header().Get("Etag"))
}

func TestRefuse(t *testing.T) {
	w := httptest.NewRecorder()
	Writer{Logger: slog.New(slog.DiscardHandler)}.Refuse(w, http.StatusTeapot, Forbidden, `not <you>`)
	require.Equal(t, http.StatusTeapot, w.Code)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Empty(t, w.Header().Get("Etag"))
	require.JSONEq(t, `{"status":"error","errorType":"forbidden","error":"not <you>"}`, w.Body.String())
	require.NotContains(t, w.Body.String(), "<", "a browser that takes it for HTML finds no tag")
}

// TestUnencodable: a value that cannot be encoded is an error of ours, and the log names it.
func TestUnencodable(t *testing.T) {
	var log bytes.Buffer
	w := send(Writer{Logger: slog.New(slog.NewTextHandler(&log, nil))}, "", math.NaN())
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
	require.Equal(t, "The answer could not be encoded; the log says why.\n", w.Body.String())
	require.Contains(t, log.String(), "NaN")
}

func TestTypeOf(t *testing.T) {
	for code, want := range map[int]ErrorType{
		http.StatusBadRequest:          BadData,
		http.StatusNotFound:            NotFound,
		http.StatusUnprocessableEntity: BadData,
		http.StatusInternalServerError: Unavailable,
		http.StatusBadGateway:          Unavailable,
		http.StatusServiceUnavailable:  Unavailable,
	} {
		require.Equal(t, want, TypeOf(code), "%d", code)
	}
}
