package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/post"
	"github.com/gorowatch/gorowatch/leak"
)

// receiver is an Alertmanager without a network.
type receiver struct {
	mu       sync.Mutex
	requests []request
	header   http.Header // of each answer
	// answer says how to answer; nil: 200.
	answer func(req *http.Request, alerts []alerting.Alert) (int, error)
}

type request struct {
	at     time.Time
	url    string
	alerts []alerting.Alert
	status int
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var alerts []alerting.Alert
	if err := json.Unmarshal(body, &alerts); err != nil {
		return nil, err
	}
	r.mu.Lock()
	answer := r.answer
	r.mu.Unlock()
	status := http.StatusOK
	if answer != nil {
		status, err = answer(req, alerts)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, request{time.Now(), req.URL.String(), alerts, status})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: r.header.Clone(), Body: io.NopCloser(strings.NewReader("because")), Request: req}, nil
}

func (r *receiver) answering(f func(req *http.Request, alerts []alerting.Alert) (int, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// take returns the requests since the last call.
func (r *receiver) take() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.requests
	r.requests = nil
	return all
}

// got returns the alerts that arrived since the last call, by leak.
func (r *receiver) got() map[string][]alerting.Alert {
	m := make(map[string][]alerting.Alert)
	for _, q := range r.take() {
		if q.status == http.StatusOK {
			for _, a := range q.alerts {
				m[a.Labels.Get("leak")] = append(m[a.Labels.Get("leak")], a)
			}
		}
	}
	return m
}

func (r *receiver) at(raw string) alerting.Alertmanager {
	u, err := url.Parse(raw)
	if err != nil {
		panic(err)
	}
	return alerting.Alertmanager{URL: u, Client: &http.Client{Transport: r}}
}

func status(code int) func(*http.Request, []alerting.Alert) (int, error) {
	return func(*http.Request, []alerting.Alert) (int, error) { return code, nil }
}

func refused(*http.Request, []alerting.Alert) (int, error) {
	return 0, errors.New("connection refused")
}

// hang answers when the client has given up.
func hang(req *http.Request, _ []alerting.Alert) (int, error) {
	<-req.Context().Done()
	return 0, req.Context().Err()
}

// world is a Notifier that runs in a bubble of virtual time.
type world struct {
	*Notifier
	t    *testing.T
	log  *bytes.Buffer
	reg  *prometheus.Registry
	stop func()
}

// start runs a Notifier until stop or the end of the bubble.
func start(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{t: t, log: &bytes.Buffer{}, reg: prometheus.NewPedanticRegistry()}
	o.Logger, o.Registerer = slog.New(slog.NewTextHandler(w.log, nil)), w.reg
	n, err := New(t.Context(), o)
	require.NoError(t, err)
	w.Notifier = n
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return w
}

// minutes updates every minute and waits, n times.
func (w *world) minutes(n int, leaks func() []leak.Leak) {
	for range n {
		w.Update(leaks(), time.Now())
		time.Sleep(time.Minute)
		synctest.Wait()
	}
}

// metric returns the value of a series. Its labels are given as pairs.
func (w *world) metric(name string, pairs ...string) float64 {
	w.t.Helper()
	families, err := w.reg.Gather()
	require.NoError(w.t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			got := map[string]string{}
			for _, l := range m.GetLabel() {
				got[l.GetName()] = l.GetValue()
			}
			want := map[string]string{}
			for i := 0; i < len(pairs); i += 2 {
				want[pairs[i]] = pairs[i+1]
			}
			if maps.Equal(got, want) {
				return m.GetCounter().GetValue()
			}
		}
	}
	require.FailNow(w.t, "no such series", "%s %q", name, pairs)
	return 0
}

func (w *world) lines(substring string) (n int) {
	for _, line := range strings.Split(w.log.String(), "\n") {
		if strings.Contains(line, substring) {
			n++
		}
	}
	return n
}

func firing(id string, at time.Time) leak.Leak {
	l := checkout()
	l.ID, l.DetectedAt, l.UpdatedAt, l.Onset = id, at, at, at.Add(-time.Hour)
	return l
}

func ended(l leak.Leak, at time.Time) leak.Leak {
	l.State, l.ResolvedAt = leak.Resolved, at
	return l
}

func many(n int) []leak.Leak {
	all := make([]leak.Leak, n)
	for i := range all {
		all[i] = firing(fmt.Sprintf("leak-%04d", i), time.Now())
	}
	return all
}

func fixed(leaks []leak.Leak) func() []leak.Leak { return func() []leak.Leak { return leaks } }

// TestStory: a leak fires, continues, and ends.
func TestStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am:9093/prefix/?tenant=a")}}})
		defer w.stop()
		begin := time.Now()
		l := firing("a", begin)
		suspected := firing("s", begin)
		suspected.State = leak.Suspected

		w.Update([]leak.Leak{l, suspected}, begin)
		synctest.Wait()
		all := am.take()
		require.Len(t, all, 1, "it is sent at once, and a suspected one is not")
		require.Equal(t, "http://am:9093/prefix/api/v2/alerts?tenant=a", all[0].url)
		require.Len(t, all[0].alerts, 1)
		require.True(t, all[0].alerts[0].EndsAt.Equal(begin.Add(4*time.Minute)))
		require.True(t, all[0].alerts[0].StartsAt.Equal(begin))

		time.Sleep(20 * time.Second)
		w.Update([]leak.Leak{l}, time.Now())
		synctest.Wait()
		require.Empty(t, am.take(), "not again within the interval")

		time.Sleep(40 * time.Second)
		w.minutes(10, fixed([]leak.Leak{l}))
		require.Len(t, am.take(), 10, "again every minute")

		time.Sleep(10 * time.Second)
		over := time.Now()
		l = ended(l, over)
		w.Update([]leak.Leak{l}, over)
		synctest.Wait()
		all = am.take()
		require.Len(t, all, 1, "its resolution is sent at once")
		require.True(t, all[0].alerts[0].EndsAt.Equal(over))

		time.Sleep(time.Minute)
		w.minutes(30, fixed([]leak.Leak{l}))
		require.Len(t, am.take(), 15, "and for 15 minutes")

		l.State = leak.Firing
		w.Update([]leak.Leak{l}, time.Now())
		synctest.Wait()
		require.Len(t, am.take(), 1, "it comes back")
	})
}

func TestSlowEvaluations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}, UpdateInterval: 5 * time.Minute}})
		defer w.stop()
		w.Update(many(1), time.Now())
		synctest.Wait()
		require.True(t, am.take()[0].alerts[0].EndsAt.Equal(time.Now().Add(20*time.Minute)), "it does not end before the next evaluation")

		w.Update(many(1), time.Now().Add(-time.Hour))
		synctest.Wait()
		require.Len(t, am.take(), 1, "a clock that was set back does not silence us")
	})
}

// TestDownForTenMinutes: after an outage, each leak is delivered once, in its newest state.
func TestDownForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		am.answering(refused)
		w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}}})
		defer w.stop()
		leaks := many(100)
		n := 0
		w.minutes(10, func() []leak.Leak {
			switch n++; n {
			case 4:
				leaks[7] = ended(leaks[7], time.Now())
			case 6:
				leaks = append(leaks, firing("late", time.Now()))
			}
			return leaks
		})
		attempts := am.take()
		require.Greater(t, len(attempts), 15, "it is tried again and again")
		require.Less(t, len(attempts), 40, "and again later and later")
		require.Equal(t, 1, w.lines("; retrying"))
		require.Equal(t, 101, w.Status()[0].Queued)
		require.Equal(t, alerting.Failing, w.Status()[0].State)

		am.answering(nil)
		time.Sleep(post.RetryPolicy().Max * 11 / 10)
		synctest.Wait()
		got := am.got()
		require.Len(t, got, 101)
		for id, alerts := range got {
			require.Len(t, alerts, 1, "%s is delivered once", id)
			if id == "leak-0007" {
				require.True(t, alerts[0].EndsAt.Equal(leaks[7].ResolvedAt))
			} else {
				require.True(t, alerts[0].EndsAt.After(time.Now()), "%s fires", id)
			}
		}
		require.Equal(t, 1, w.lines("accepts alerts again"))
		require.Equal(t, alerting.Working, w.Status()[0].State)
		require.Empty(t, w.Status()[0].LastError)
		require.Equal(t, 0, w.Status()[0].Queued)
		require.Equal(t, int64(0), w.Status()[0].Dropped)
	})
}

// TestLateEvaluation: firing alerts are kept alive while an evaluation takes long, but not for
// ever. Resolved ones stay resolved.
func TestLateEvaluation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}}})
		defer w.stop()
		begin := time.Now()
		leaks := many(2)
		leaks[1] = ended(leaks[1], begin)
		w.Update(leaks, begin)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		got := am.got()
		require.Len(t, got["leak-0001"], 1)
		ends := begin
		for i, a := range got["leak-0000"] {
			if i > 0 {
				require.True(t, a.EndsAt.Add(-4*time.Minute).Before(ends), "there is no gap")
			}
			ends = a.EndsAt
		}
		require.WithinRange(t, ends, begin.Add(time.Hour), begin.Add(time.Hour+5*time.Minute))
		require.Equal(t, 1, w.lines("No evaluation for too long"))

		w.Update(leaks, time.Now())
		synctest.Wait()
		require.Len(t, am.got()["leak-0000"], 1, "the next evaluation has the last word")
	})
}

// TestExpired: an alert that waited so long that it would arrive as resolved is not sent. A
// resolved one is.
func TestExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		am.answering(refused)
		w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}}})
		defer w.stop()
		leaks := many(2)
		leaks[1] = ended(leaks[1], time.Now())
		w.Update(leaks, time.Now())
		time.Sleep(2 * time.Hour) // there are no updates, either
		am.answering(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		got := am.got()
		require.NotContains(t, got, "leak-0000")
		require.Len(t, got["leak-0001"], 1)
		require.InDelta(t, 1, w.metric("gorowatch_alerting_dropped_total", "alertmanager", "http://am", "reason", "expired"), 0)
	})
}

// TestOneBadAlert: if one alert of a batch is refused, the others arrive.
func TestOneBadAlert(t *testing.T) {
	for _, code := range []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var am receiver
				am.answering(func(_ *http.Request, alerts []alerting.Alert) (int, error) {
					if slices.ContainsFunc(alerts, func(a alerting.Alert) bool { return a.Labels.Get("leak") == "leak-0042" }) {
						return code, nil
					}
					return http.StatusOK, nil
				})
				w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}}})
				defer w.stop()
				for n := range 3 {
					w.Update(many(100), time.Now())
					synctest.Wait()
					got := am.got()
					require.Len(t, got, 99)
					for id, alerts := range got {
						require.Len(t, alerts, 1, id)
					}
					require.Equal(t, int64(n+1), w.Status()[0].Dropped)
					time.Sleep(time.Minute)
				}
				require.Equal(t, alerting.Working, w.Status()[0].State)
				require.Equal(t, 1, w.lines("leak-0042"), "it is logged once")
				require.InDelta(t, 3, w.metric("gorowatch_alerting_dropped_total", "alertmanager", "http://am", "reason", "rejected"), 0)
			})
		})
	}
}

// TestRejectedThenDown: one half of a batch is rejected, then nothing answers. Undelivered
// alerts are delivered later; delivered ones are not sent again.
func TestRejectedThenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		n := 0
		am.answering(func(_ *http.Request, alerts []alerting.Alert) (int, error) {
			if n++; n == 1 {
				return http.StatusBadRequest, nil
			} else if n > 2 && n < 6 {
				return http.StatusServiceUnavailable, nil
			}
			return http.StatusOK, nil
		})
		w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}}})
		defer w.stop()
		w.Update(many(64), time.Now())
		time.Sleep(30 * time.Second)
		synctest.Wait()
		got := am.got()
		require.Len(t, got, 64)
		for id, alerts := range got {
			require.Len(t, alerts, 1, id)
		}
	})
}

// TestStatuses: which answers lead to a retry, and how they are classified.
func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(*http.Request, []alerting.Alert) (int, error)
		reason string
		says   string
	}{
		{"500", status(500), "status_5xx", "answered 500 Internal Server Error: because"},
		{"503", status(503), "status_5xx", "answered 503"},
		{"429", status(429), "status_4xx", "answered 429"},
		{"404", status(404), "status_4xx", "answered 404"},
		{"401", status(401), "unauthorized", "answered 401"},
		{"302", status(302), "redirect", "answered 302"},
		{"101", status(101), "other", "answered 101"},
		{"refused", refused, "connection", "connection refused"},
		{"hanging", hang, "timeout", "deadline exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var am, other receiver
				am.answering(c.answer)
				w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://user:hunter2@am?token=hunter2"), other.at("http://other")}}})
				defer w.stop()
				w.minutes(10, fixed(many(3)))
				require.Len(t, other.got()["leak-0001"], 10, "the other one gets everything in time")
				tries := len(am.take())
				require.Greater(t, tries, 10)
				require.Less(t, tries, 40)
				require.InDelta(t, tries, w.metric("gorowatch_alerting_errors_total", "alertmanager", "http://am", "reason", c.reason), 1)
				s := w.Status()[0]
				require.Contains(t, s.LastError, c.says)
				require.Equal(t, 3, s.Queued, "nothing is lost, nothing is kept twice")
				require.Equal(t, 1, w.lines("level=WARN"))

				am.answering(nil)
				time.Sleep(time.Minute)
				synctest.Wait()
				require.Len(t, am.got(), 3)
				require.Equal(t, 1, w.lines("accepts alerts again"))

				dump, err := w.reg.Gather()
				require.NoError(t, err)
				require.NotContains(t, w.log.String()+fmt.Sprint(w.Status())+fmt.Sprint(dump), "hunter2")
			})
		})
	}
}

func TestHugeQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		am.answering(refused)
		w := start(t, Options{QueueCapacity: 200, Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}}})
		defer w.stop()
		leaks := many(1000)
		w.Update(leaks, time.Now())
		synctest.Wait()
		require.Equal(t, 200, w.Status()[0].Queued)
		require.InDelta(t, 800, w.metric("gorowatch_alerting_dropped_total", "alertmanager", "http://am", "reason", "queue_full"), 0)
		am.answering(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		got := am.got()
		require.Len(t, got, 200)
		require.Contains(t, got, "leak-0999", "the newest stay")
	})
}

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}}})
		defer w.stop()
		w.Update(many(500), time.Now())
		synctest.Wait()
		all := am.take()
		require.Len(t, all, 8)
		for _, r := range all {
			require.LessOrEqual(t, len(r.alerts), alerting.DefaultMaxAlerts)
		}
	})
}

// TestStop: waiting alerts are sent at the end, within a time limit.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var good, bad, stuck receiver
		release := make(chan struct{})
		good.answering(func(req *http.Request, _ []alerting.Alert) (int, error) { <-release; return 200, nil })
		bad.answering(status(500))
		stuck.answering(hang)
		w := start(t, Options{DrainTimeout: 5 * time.Second, Config: Config{Alertmanagers: []alerting.Alertmanager{
			good.at("http://good"), bad.at("http://bad"), stuck.at("http://stuck"),
		}}})
		w.Update(many(200), time.Now())
		synctest.Wait()
		time.AfterFunc(time.Second, func() { close(release) })
		begin := time.Now()
		w.stop()
		require.Equal(t, 5*time.Second, time.Since(begin))
		require.Len(t, good.got(), 200, "the request on its way and the queue behind it")
		for _, name := range []string{"http://bad", "http://stuck"} {
			require.InDelta(t, 200, w.metric("gorowatch_alerting_dropped_total", "alertmanager", name, "reason", "shutdown"), 0, name)
		}
		require.Error(t, w.Run(t.Context()), "it runs once")
		w.Update(many(1), time.Now())
		require.Zero(t, w.Status()[0].Queued, "nothing is queued for nobody")
	})
}

// TestReload: an Alertmanager that stays keeps its queue, with a new client. A new one gets the
// firing alerts. A removed one leaves no series.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var before, after, goes, comes receiver
		before.answering(refused)
		goes.answering(hang)
		w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{before.at("http://stays"), goes.at("http://goes")}}})
		defer w.stop()
		leaks := many(5)
		leaks[4] = ended(leaks[4], time.Now())
		w.Update(leaks, time.Now())
		synctest.Wait()

		err := w.ApplyConfig(Config{Alertmanagers: []alerting.Alertmanager{{}, {URL: &url.URL{Scheme: "ftp", Host: "x"}}, {URL: &url.URL{Scheme: "http"}}}})
		require.EqualError(t, err, "alertmanager 1: URL is missing\n"+
			`alertmanager 2: URL "ftp://x": expected http:// or https://`+"\n"+
			`alertmanager 3: URL "http:": the host is missing`)
		require.Len(t, w.Status(), 2, "an error changes nothing")

		again := comes.at("http://comes")
		require.NoError(t, w.ApplyConfig(Config{Alertmanagers: []alerting.Alertmanager{again, after.at("http://stays"), again}}))
		require.Len(t, w.Status(), 2, "the same URL twice is one")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Len(t, after.got(), 5, "what waited goes out by the new client")
		require.Empty(t, comes.got())
		w.Update(leaks, time.Now())
		synctest.Wait()
		require.Len(t, comes.got(), 5, "the new one learns everything")
		require.Empty(t, after.got(), "the others get nothing before it is due")

		names, err := w.reg.Gather()
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprint(names), "goes")
		require.Contains(t, fmt.Sprint(names), "comes")

		require.NoError(t, w.ApplyConfig(Config{}))
		w.Update(leaks, time.Now())
		require.Empty(t, w.Status())
	})
}

// TestTenants: the same URL with another client is another tenant.
func TestTenants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a, b receiver
		w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{a.at("http://am"), b.at("http://am")}}})
		defer w.stop()
		w.Update(many(3), time.Now())
		synctest.Wait()
		require.Len(t, a.got(), 3)
		require.Len(t, b.got(), 3)
		require.Equal(t, "http://am", w.Status()[0].URL)
		require.Equal(t, "http://am (2)", w.Status()[1].URL)
	})
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	var am receiver
	_, err := New(t.Context(), Options{Registerer: reg, Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}}})
	require.NoError(t, err)
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
	n, err := testutil.GatherAndCount(reg, "gorowatch_alerting_sent_total", "gorowatch_alerting_dropped_total", "gorowatch_alerting_errors_total",
		"gorowatch_alerting_queue_length", "gorowatch_alerting_queue_capacity", "gorowatch_alerting_latency_seconds", "gorowatch_alerting_alertmanagers")
	require.NoError(t, err)
	require.Equal(t, 1+4+len(post.Failures())+4, n, "counters are there at 0")
	_, err = New(t.Context(), Options{Registerer: reg})
	require.Error(t, err, "registered twice")
}
