package main

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/goroutines"
)

const leaking = "sendSum"

// The leaky form leaves its goroutines to the end of the process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/gorowatch/gorowatch/test/scenarios/sumhandler."+leaking))
}

// typos sends n requests at a time, each with a typo in both halves.
func typos(t *testing.T, n int, handle http.HandlerFunc) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			rec := httptest.NewRecorder()
			handle(rec, httptest.NewRequest(http.MethodGet, "/sum?n=one,2,three,4", nil))
			if rec.Code != http.StatusBadRequest {
				t.Errorf("status %d, want %d", rec.Code, http.StatusBadRequest)
			}
		})
	}
	all.Wait()
}

func TestLeakyLeavesTheOtherHalfOfEveryTypo(t *testing.T) {
	site := goroutines.At(t, leaking)
	typos(t, 50, handleSum)
	site.Holds(50)
}

func TestFixedLeavesNothing(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	typos(t, 50, handleSumWithGroup)
	goroutines.NoneLeft(t, ignore)
}

func TestBothAdd(t *testing.T) {
	for n, want := range map[string]string{"1,2,3,4,5": "15\n", "7": "7\n", "1, -1": "0\n"} {
		for _, handle := range []http.HandlerFunc{handleSum, handleSumWithGroup} {
			rec := httptest.NewRecorder()
			req := httptest.NewRequest(http.MethodGet, "/sum", nil)
			req.URL.RawQuery = "n=" + n
			handle(rec, req)
			require.Equal(t, want, rec.Body.String(), n)
		}
	}
}
