package pictures

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// running is a gorowatch with some leaks, whose series may fail or wait.
type running struct {
	mtx   sync.Mutex
	now   time.Time
	leaks map[string]leak.Leak
	reads atomic.Int32
	wait  chan struct{} // nil: none
	err   error
}

func (r *running) Leak(id string) (leak.Leak, bool) { l, ok := r.leaks[id]; return l, ok }
func (*running) RenderOptions() alerting.RenderOptions {
	return alerting.RenderOptions{ExternalURL: base}
}

func (r *running) Now() time.Time {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	return r.now
}

func (r *running) pass(d time.Duration) {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	r.now = r.now.Add(d)
}

func (r *running) History(ctx context.Context, service labels.Labels, from, to time.Time, step time.Duration) (collector.History, error) {
	r.reads.Add(1)
	if r.wait != nil {
		select {
		case <-r.wait:
		case <-ctx.Done():
			return collector.History{}, ctx.Err()
		}
	}
	return series(), r.err
}

func newHandler(t *testing.T, log *bytes.Buffer) (*Handler, *running) {
	t.Helper()
	back := &running{now: now, leaks: map[string]leak.Leak{}}
	for id, state := range map[string]leak.State{"firing": leak.Firing, "suspected": leak.Suspected, "ignored": leak.Ignored, "resolved": leak.Resolved} {
		l := checkout()
		l.ID, l.State = id, state
		back.leaks[id] = l
	}
	o := Options{Backend: back, History: back, Registerer: prometheus.NewRegistry()}
	if log != nil {
		o.Logger = slog.New(slog.NewTextHandler(log, nil))
	}
	h, err := New(o)
	require.NoError(t, err)
	h.Apply(Settings{Base: base, Signer: signer(t, "k")})
	return h, back
}

// get requests the picture of a leak by the address in its alert.
func get(h *Handler, l leak.Leak) *httptest.ResponseRecorder {
	return request(h, http.MethodGet, h.URL(l))
}

func request(h *Handler, method, address string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, address, nil))
	return w
}

func TestPictureIsServed(t *testing.T) {
	h, back := newHandler(t, nil)
	w := get(h, back.leaks["firing"])
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, "image/png", w.Header().Get("Content-Type"))
	require.Equal(t, "private, max-age=60", w.Header().Get("Cache-Control"))
	_, err := png.Decode(bytes.NewReader(w.Body.Bytes()))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, request(h, http.MethodHead, h.URL(back.leaks["firing"])).Code)
	require.Equal(t, http.StatusOK, get(h, back.leaks["resolved"]).Code)
	require.Equal(t, 3.0, testutil.ToFloat64(h.requests.WithLabelValues(resultServed)))
}

func TestRefusals(t *testing.T) {
	h, back := newHandler(t, nil)
	good := h.URL(back.leaks["firing"])
	unknown := checkout()
	unknown.ID = "unknown"
	for name, tc := range map[string]struct {
		method, address string
		code            int
		text            string
	}{
		"unsigned":        {"GET", strings.Split(good, "?")[0], 403, "malformed"},
		"another leak":    {"GET", strings.Replace(good, "/firing.", "/resolved.", 1), 403, "no valid signature"},
		"long query":      {"GET", good + "&x=" + strings.Repeat("x", 300), 403, "malformed"},
		"broken query":    {"GET", good + "&%zz", 403, "malformed"},
		"unknown leak":    {"GET", h.URL(unknown), 404, "No leak with this ID has an alert"},
		"without alert":   {"GET", h.URL(back.leaks["suspected"]), 404, "No leak with this ID has an alert"},
		"ignored":         {"GET", h.URL(back.leaks["ignored"]), 404, "No leak with this ID has an alert"},
		"method":          {"POST", good, 405, "Only GET and HEAD"},
		"another path":    {"GET", "/leaks/firing", 404, "Only pictures"},
		"what pages have": {"GET", "/api/v1/leaks", 404, "Only pictures"},
	} {
		t.Run(name, func(t *testing.T) {
			w := request(h, tc.method, tc.address)
			require.Equal(t, tc.code, w.Code)
			require.Contains(t, w.Body.String(), tc.text)
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			require.NotContains(t, w.Body.String(), "checkout")
		})
	}
	require.Zero(t, back.reads.Load(), "nothing is read for them")
	back.pass(Validity)
	w := request(h, "GET", good)
	require.Equal(t, 403, w.Code)
	require.Contains(t, w.Body.String(), "expired")
}

func TestOff(t *testing.T) {
	h, back := newHandler(t, nil)
	good := h.URL(back.leaks["firing"])
	h.Apply(Settings{})
	require.Empty(t, h.URL(back.leaks["firing"]))
	require.Equal(t, 404, request(h, "GET", good).Code)
	h.Apply(Settings{Base: base, Signer: signer(t, "x")})
	require.Equal(t, 403, request(h, "GET", good).Code, "another key ends the old addresses")
}

// TestDrawnOnceAMinute: many requests in a short time read and draw once.
func TestDrawnOnceAMinute(t *testing.T) {
	h, back := newHandler(t, nil)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { require.Equal(t, 200, get(h, back.leaks["firing"]).Code) })
	}
	wg.Wait()
	require.Equal(t, 200, get(h, back.leaks["firing"]).Code)
	require.EqualValues(t, 1, back.reads.Load())
	back.pass(maxAge)
	require.Equal(t, 200, get(h, back.leaks["firing"]).Code)
	require.EqualValues(t, 2, back.reads.Load())
}

// TestDrawingIsLimited: more leaks than may be drawn are refused until later, and the cache
// does not grow with them.
func TestDrawingIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // drawing takes no time
		h, back := newHandler(t, nil)
		codes := map[int]int{}
		for i := range 40 {
			l := checkout()
			l.ID = "leak" + strings.Repeat("x", i)
			back.leaks[l.ID] = l
			w := get(h, l)
			codes[w.Code]++
			if w.Code == http.StatusTooManyRequests {
				require.Contains(t, w.Body.String(), "retry in a few seconds")
			}
		}
		require.Equal(t, map[int]int{200: drawBurst, 429: 40 - drawBurst}, codes)
		for i := range 200 {
			h.store("leak"+strings.Repeat("y", i), nil)
		}
		require.Len(t, h.cache, maxCached)
	})
}

// TestSlowSeries: a source that does not answer blocks at most two drawings, for 10 s.
func TestSlowSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h, back := newHandler(t, &log)
		back.wait = make(chan struct{})
		began := time.Now()
		var wg sync.WaitGroup
		a, b := checkout(), checkout()
		a.ID, b.ID = "a", "b"
		back.leaks["a"], back.leaks["b"] = a, b
		for _, l := range []leak.Leak{a, b} {
			wg.Go(func() { require.Equal(t, 200, get(h, l).Code, "a picture without a chart") })
		}
		synctest.Wait()
		require.Equal(t, 429, get(h, back.leaks["firing"]).Code)
		wg.Wait()
		require.Equal(t, drawTimeout, time.Since(began))
		require.Contains(t, log.String(), "Cannot read the series of a picture; it has no chart")
	})
}

// secrets fail a few times.
type secrets struct{ failures atomic.Int32 }

func (s *secrets) Secret(context.Context, string) ([]byte, error) {
	if s.failures.Add(-1) >= 0 {
		return nil, errors.New("the bucket does not answer")
	}
	return []byte(strings.Repeat("s", 32)), nil
}

// TestKeyOfTheBucket: alerts have no picture until the bucket answers, and a configured key
// needs no bucket.
func TestKeyOfTheBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h, back := newHandler(t, &log)
		var bucket secrets
		bucket.failures.Store(2)
		h.Apply(Settings{Base: base})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { h.Run(ctx, &bucket) })
		synctest.Wait()
		require.Empty(t, h.URL(back.leaks["firing"]))
		require.Contains(t, log.String(), "Cannot read the signing key of pictures")
		time.Sleep(2 * retryKey)
		synctest.Wait()
		require.Equal(t, signer(t, "s").URL(base, back.leaks["firing"]), h.URL(back.leaks["firing"]))
		require.Equal(t, 200, get(h, back.leaks["firing"]).Code)

		h.Apply(Settings{Base: base, Signer: signer(t, "k")})
		synctest.Wait()
		require.Equal(t, signer(t, "k").URL(base, back.leaks["firing"]), h.URL(back.leaks["firing"]))
		cancel()
		wg.Wait()
	})
}

func TestReadKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for text, want := range map[string]string{
		strings.Repeat("k", 32) + "\n": "",
		strings.Repeat("k", 31) + "\n": "the key has 31 bytes, expected at least 32",
		"":                             "the key has 0 bytes, expected at least 32",
		strings.Repeat("k", 9000):      "is larger than 4 KiB, expected a key",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		s, err := ReadKey(path)
		if want == "" {
			require.NoError(t, err)
			require.Equal(t, signer(t, "k"), s)
			continue
		}
		require.ErrorContains(t, err, want)
	}
	_, err := ReadKey(path + "-none")
	require.ErrorIs(t, err, os.ErrNotExist)
}
