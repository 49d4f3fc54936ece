package notify

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/leak"
)

// A webhook that sends Retry-After gets the message after that time: an answer that says
// "later" is no refusal.
func TestWebhookAsksForTime(t *testing.T) {
	inSeconds := func(s string) func(time.Time) string { return func(time.Time) string { return s } }
	for _, code := range []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInternalServerError} {
		for name, c := range map[string]struct {
			header      func(now time.Time) string
			least, most time.Duration // until the next request
		}{
			"without a time":  {inSeconds(""), 0, time.Second},
			"20 seconds":      {inSeconds("20"), 20 * time.Second, 23 * time.Second},
			"a date":          {func(now time.Time) string { return now.Add(2 * time.Minute).UTC().Format(http.TimeFormat) }, 2 * time.Minute, 133 * time.Second},
			"a date that was": {func(now time.Time) string { return now.Add(-time.Hour).UTC().Format(http.TimeFormat) }, 0, time.Second},
			"nonsense":        {inSeconds("soon"), 0, time.Second},
			"negative":        {inSeconds("-5"), 0, time.Second},
			"for ever":        {inSeconds("99999999999999999"), 15 * time.Minute, 15 * time.Minute * 11 / 10},
			"overflow":        {inSeconds("999999999999999999999999999"), 0, time.Second},
		} {
			t.Run(fmt.Sprint(code, ", ", name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var h hook
					w := start(t, Options{Config: Config{Webhooks: []alerting.Webhook{h.webhook("chat")}}})
					defer w.stop()
					n := 0
					h.answering(func(payload) (int, error) {
						h.mu.Lock()
						defer h.mu.Unlock()
						if n++; n > 1 {
							h.header = nil
							return http.StatusOK, nil
						}
						h.header = http.Header{"Retry-After": {c.header(time.Now())}}
						return code, nil
					})
					w.minutes(20, fixed(many(1)))
					require.Equal(t, []string{"firing leak-0000"}, h.take(), "delivered once")
					require.Len(t, h.times, 2)
					pause := h.times[1].Sub(h.times[0])
					require.GreaterOrEqual(t, pause, c.least)
					require.LessOrEqual(t, pause, c.most)
					require.Zero(t, w.lines("rejects"))
					require.Equal(t, alerting.Working, w.Status()[0].State)
				})
			})
		}
	}
}

// During Retry-After of a webhook, nothing else is sent to it either. A new configuration does
// not wait.
func TestWebhookIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hook
		h.header = http.Header{"Retry-After": {"600"}}
		h.answering(func(payload) (int, error) { return http.StatusTooManyRequests, nil })
		first := h.webhook("chat")
		w := start(t, Options{Config: Config{Webhooks: []alerting.Webhook{first}}})
		defer w.stop()
		leaks := []leak.Leak{of("a", firing("a", time.Now())), of("b", firing("b", time.Now())), of("c", firing("c", time.Now()))}
		w.minutes(9, fixed(leaks))
		require.Equal(t, 1, h.asked)
		require.NoError(t, w.ApplyConfig(Config{Webhooks: []alerting.Webhook{first}}))
		w.minutes(1, fixed(leaks))
		require.Equal(t, 1, h.asked, "another alerting.Alertmanager was found, say")
		h.answering(nil)
		require.NoError(t, w.ApplyConfig(Config{Webhooks: []alerting.Webhook{h.webhook("chat")}}))
		synctest.Wait()
		require.Len(t, h.take(), 3)
	})
}

// A message that fails does not block those behind it, and is sent as soon as possible.
func TestOneServiceFails(t *testing.T) {
	for name, fail := range map[string]func() (int, error){
		"500":     func() (int, error) { return http.StatusInternalServerError, nil },
		"503":     func() (int, error) { return http.StatusServiceUnavailable, nil },
		"hangs":   func() (int, error) { time.Sleep(alerting.DefaultTimeout); return 0, timeoutError{} },
		"hang-up": func() (int, error) { return 0, errors.New("connection reset by peer") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var h hook
				h.answering(func(m payload) (int, error) {
					if m.GroupLabels["job"] == "a" {
						return fail()
					}
					return http.StatusOK, nil
				})
				w := start(t, Options{Config: Config{Webhooks: []alerting.Webhook{h.webhook("chat")}}})
				defer w.stop()
				var leaks []leak.Leak
				for i := range 20 {
					leaks = append(leaks, of(string(rune('a'+i)), firing(string(rune('a'+i)), time.Now())))
				}
				w.minutes(1, fixed(leaks))
				require.Len(t, h.take(), 19, "the others are delivered within a minute")
				late := of("late", firing("late", time.Now()))
				leaks = append(leaks, late)
				w.minutes(1, fixed(leaks))
				require.Equal(t, []string{"firing late"}, h.take())
				require.Equal(t, alerting.Failing, w.Status()[0].State, "it is seen that something fails")
				require.NotEmpty(t, w.Status()[0].LastError)

				asked := h.asked
				w.minutes(120, fixed(leaks))
				require.LessOrEqual(t, h.asked-asked, 2*120+20, "and it is tried less and less often")
				require.Greater(t, h.asked-asked, 6)
				require.Empty(t, h.take())

				h.answering(nil)
				w.minutes(16, fixed(leaks))
				require.Equal(t, []string{"firing a"}, h.take())
				require.Equal(t, alerting.Working, w.Status()[0].State)
				require.Empty(t, w.Status()[0].LastError)
				require.Equal(t, 1, w.lines("accepts alerts again"))
			})
		})
	}
}

// timeoutError is a net.Error.
type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// An alert that a webhook fails on does not block others of its service.
func TestOneAlertOfAServiceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hook
		h.answering(func(m payload) (int, error) {
			for _, a := range m.Alerts {
				if a.Labels["leak"] == "leak-0001" {
					return http.StatusInternalServerError, nil
				}
			}
			return http.StatusOK, nil
		})
		w := start(t, Options{Config: Config{Webhooks: []alerting.Webhook{h.webhook("chat")}}})
		defer w.stop()
		w.minutes(2, fixed(many(4)))
		require.ElementsMatch(t, []string{"firing leak-0000", "firing leak-0002", "firing leak-0003"}, h.take())
		require.Equal(t, 1, w.Status()[0].Queued)
	})
}

// A webhook that answers 500 to everything does not get a request for each service again and
// again.
func TestWebhookFailsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hook
		h.answering(func(payload) (int, error) { return http.StatusInternalServerError, nil })
		w := start(t, Options{Config: Config{Webhooks: []alerting.Webhook{h.webhook("chat")}}})
		defer w.stop()
		var leaks []leak.Leak
		for i := range 60 {
			leaks = append(leaks, of(fmt.Sprint("job", i), firing(fmt.Sprint(i), time.Now())))
		}
		w.minutes(20, fixed(leaks))
		// It is 135 to 141, as the pauses are random; each service by itself would make it some 2,400.
		require.Less(t, h.asked, 20*2*4, "and not 60 times as often")
		require.Equal(t, 1, w.lines("; retrying"))
		require.Equal(t, 60, w.Status()[0].Queued)
		h.answering(nil)
		w.minutes(1, fixed(leaks))
		require.Len(t, h.take(), 60)
		require.Equal(t, 1, w.lines("accepts alerts again"))
	})
}

// At shutdown all services get their messages, within a time limit.
func TestLastWordsOfAWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hook
		h.answering(func(m payload) (int, error) {
			if m.GroupLabels["job"] < "job3" {
				return http.StatusInternalServerError, nil
			}
			return http.StatusOK, nil
		})
		w := start(t, Options{Config: Config{Webhooks: []alerting.Webhook{h.webhook("chat")}}})
		h.header = http.Header{"Retry-After": {"60"}} // so that nothing is sent until the end
		var leaks []leak.Leak
		for i := range 6 {
			leaks = append(leaks, of(fmt.Sprint("job", i), firing(fmt.Sprint(i), time.Now())))
		}
		w.Update(leaks, time.Now())
		synctest.Wait()
		require.Equal(t, 1, h.asked)
		h.mu.Lock()
		h.header = nil
		h.mu.Unlock()
		w.stop()
		require.ElementsMatch(t, []string{"firing 3", "firing 4", "firing 5"}, h.take())
		require.Equal(t, 1+6, h.asked)
	})
}

// An Alertmanager that sends Retry-After gets that time, but not more than the lifetime of its
// alerts.
func TestAlertmanagerAsksForTime(t *testing.T) {
	for _, c := range []struct {
		code        int
		after       string
		least, most time.Duration
	}{
		{408, "", 0, time.Second},
		{429, "5", 5 * time.Second, 6 * time.Second},
		{425, "5", 5 * time.Second, 6 * time.Second},
		{503, "20", 20 * time.Second, 23 * time.Second},
		{500, "20", 20 * time.Second, 23 * time.Second},
		{429, "86400", time.Minute, time.Minute * 11 / 10},
	} {
		t.Run(fmt.Sprint(c.code, " ", c.after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var am receiver
				am.header = http.Header{"Retry-After": {c.after}}
				am.answering(status(c.code))
				w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}}})
				defer w.stop()
				w.Update(many(3), time.Now())
				synctest.Wait()
				am.answering(nil)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				all := am.take()
				require.GreaterOrEqual(t, len(all), 2)
				pause := all[1].at.Sub(all[0].at)
				require.GreaterOrEqual(t, pause, c.least)
				require.LessOrEqual(t, pause, c.most)
				require.Len(t, all[1].alerts, 3)
			})
		})
	}
}

// An alert that an Alertmanager fails on, without rejecting it, does not block the others.
func TestAlertmanagerFailsOnOneAlert(t *testing.T) {
	for name, fail := range map[string]func() (int, error){
		"500":   func() (int, error) { return http.StatusInternalServerError, nil },
		"hangs": func() (int, error) { time.Sleep(alerting.DefaultTimeout); return 0, timeoutError{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var am receiver
				am.answering(func(_ *http.Request, alerts []alerting.Alert) (int, error) {
					if slices.ContainsFunc(alerts, func(a alerting.Alert) bool { return a.Labels.Get("leak") == "leak-0000" }) {
						return fail()
					}
					return http.StatusOK, nil
				})
				w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}}})
				defer w.stop()
				w.minutes(3, fixed(many(130)))
				require.Equal(t, 129, len(am.got()), "within three minutes")
				w.minutes(5, fixed(many(130)))
				got := am.got()
				require.Equal(t, 129, len(got))
				for id, alerts := range got {
					require.GreaterOrEqual(t, len(alerts), 3, "%s is sent again as it should be", id)
				}
				require.Zero(t, w.metric("gorowatch_alerting_dropped_total", "alertmanager", "http://am", "reason", "expired"), "of the others")
				am.answering(nil)
				w.minutes(2, fixed(many(130)))
				require.NotEmpty(t, am.got()["leak-0000"])
				require.Equal(t, alerting.Working, w.Status()[0].State)
			})
		})
	}
}
