package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/goroutines"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func post(t *testing.T, handle http.HandlerFunc, query string) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	handle(rec, httptest.NewRequest(http.MethodPost, "/?"+query, nil))
	return rec
}

func TestDripsAndDrains(t *testing.T) {
	for name, c := range map[string]struct {
		fixed bool
		want  string
	}{"leaky": {false, "40\n"}, "fixed": {true, "0\n"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &faucet{drops: make(chan int), fixed: c.fixed}
				go f.run(t.Context())
				time.Sleep(time.Minute + step/2)
				require.Zero(t, f.held, "closed")
				require.Equal(t, http.StatusOK, post(t, f.open, "rate=20").Code)
				time.Sleep(2 * time.Second)
				require.Equal(t, c.want, post(t, f.drain, "").Body.String())
				time.Sleep(time.Minute)
				require.Zero(t, f.held)
			})
		})
	}
}

func TestHoldsAtTheMarkedLine(t *testing.T) {
	site := goroutines.At(t, "(*faucet).drip")
	f := &faucet{drops: make(chan int)}
	for n := range 3 {
		f.held++
		go f.drip(n)
	}
	site.Holds(3)
	post(t, f.drain, "")
	site.Holds(0)
}

func TestRatesThatAreNone(t *testing.T) {
	f := &faucet{}
	for _, query := range []string{"", "rate=x", "rate=-1", "rate=1e9", "rate=NaN"} {
		require.Equal(t, http.StatusBadRequest, post(t, f.open, query).Code, query)
	}
}
