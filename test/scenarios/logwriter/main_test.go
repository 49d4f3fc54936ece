package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/goroutines"
)

const leaking = "(*logs).append.func1"

// The leaky form leaves its goroutines to the end of the process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/gorowatch/gorowatch/test/scenarios/logwriter."+leaking))
}

// post sends n entries to handle, whose disk is done only when every client
// has been sent away.
func post(t *testing.T, n int, handle func(*logs) http.HandlerFunc) {
	done := make(chan struct{})
	l := &logs{
		patience: time.Nanosecond,
		write: func([]byte) error {
			<-done
			return nil
		},
	}
	for range n {
		rec := httptest.NewRecorder()
		handle(l)(rec, httptest.NewRequest(http.MethodPost, "/entries", strings.NewReader("an entry")))
		require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	}
	close(done)
}

func TestLeakyLeavesTheWriterOfEveryLateEntry(t *testing.T) {
	site := goroutines.At(t, leaking)
	post(t, 5, func(l *logs) http.HandlerFunc { return l.append })
	site.Holds(5)
}

func TestFixedLeavesNothing(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	post(t, 5, func(l *logs) http.HandlerFunc { return l.appendBuffered })
	goroutines.NoneLeft(t, ignore)
}

func TestBothWriteWhatIsInTime(t *testing.T) {
	var got []string
	l := &logs{patience: time.Minute, write: func(entry []byte) error {
		got = append(got, string(entry))
		return nil
	}}
	for _, handle := range []http.HandlerFunc{l.append, l.appendBuffered} {
		rec := httptest.NewRecorder()
		handle(rec, httptest.NewRequest(http.MethodPost, "/entries", strings.NewReader("an entry")))
		require.Equal(t, http.StatusNoContent, rec.Code)
	}
	require.Equal(t, []string{"an entry", "an entry"}, got)
}
