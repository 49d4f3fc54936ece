package attack

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/test/e2e"
)

// blink is the interval of evaluations: a second of the test stands for some minutes.
const blink = 250 * time.Millisecond

// fakeSeries are the series of one metric in a fake Prometheus.
type fakeSeries struct {
	labels string                            // in JSON, without braces
	count  func(at time.Time) (string, bool) // false: none
}

// fakePrometheus answers range queries with the series that the function returns for the time:
// their counts, a steady load and one start.
func fakePrometheus(t *testing.T, series func() []fakeSeries) string {
	t.Helper()
	began := time.Now()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/query_range") {
			http.NotFound(w, r)
			return
		}
		number := func(name string) float64 {
			x, _ := strconv.ParseFloat(r.FormValue(name), 64)
			return x
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[`)
		first := true
		for _, s := range series() {
			var values []string
			for at := number("start"); at <= number("end")+1e-6; at += number("step") {
				v, ok := s.count(time.UnixMilli(int64(math.Round(at * 1000))))
				switch query := r.FormValue("query"); {
				case !ok:
					continue
				case strings.HasPrefix(query, "rate("):
					v = "0.1"
				case strings.HasPrefix(query, "process_start"):
					v = fmt.Sprint(began.Add(-24 * time.Hour).Unix())
				}
				values = append(values, fmt.Sprintf(`[%.3f,%q]`, at, v))
			}
			if len(values) == 0 {
				continue
			}
			if !first {
				_, _ = io.WriteString(w, ",")
			}
			first = false
			_, _ = fmt.Fprintf(w, `{"metric":{%s},"values":[%s]}`, s.labels, strings.Join(values, ","))
		}
		_, _ = io.WriteString(w, "]}}")
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func quick(prometheus, more string) string {
	return fmt.Sprintf("global: {evaluation_interval: %[1]s}\ntrend: {base: %[1]s}\nprofiles: {baseline_interval: 5s, suspicion_interval: 500ms}\nprometheus: {url: %[2]s}\n%[3]s", blink, prometheus, more)
}

func readPage(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, url)
	return string(body)
}

// Hostile labels and counts of a target fill neither logs nor metrics nor state, and the other
// targets are watched.
func TestSeriesFillNothing(t *testing.T) {
	t.Parallel()
	always := func(v string) func(time.Time) (string, bool) {
		return func(time.Time) (string, bool) { return v, true }
	}
	var names []string
	for i := range 10_000 {
		names = append(names, fmt.Sprintf(`"label_%d":"x"`, i))
	}
	hostile := strings.Repeat("h", 200_000)
	series := []fakeSeries{
		{`"namespace":"shop","job":"good","instance":"good:1"`, always("40")},
		{`"namespace":"shop","job":"` + hostile + `","instance":"a"`, always("40")},
		{`"namespace":"shop","job":"b","instance":"b","` + hostile + `":"x"`, always("40")},
		{`"namespace":"shop","job":"c",` + strings.Join(names, ","), always("40")},
		{`"namespace":"shop","job":"d` + "\xff\xfe" + `","instance":"d"`, always("40")},
	}
	for i, v := range []string{"NaN", "+Inf", "-1", "1e300", "9223372036854775807"} {
		series = append(series, fakeSeries{fmt.Sprintf(`"namespace":"shop","job":"value_%d","instance":"v"`, i), always(v)})
	}
	g := e2e.StartGorowatch(t, t.TempDir(), quick(fakePrometheus(t, func() []fakeSeries { return series }), ""))
	g.WaitReady(t)
	e2e.Eventually(t, time.Minute, "it watches", func() error {
		if n := g.Metric(t, `gorowatch_evaluations_total{result="ok"}`); n < 20 {
			return fmt.Errorf("%v evaluations", n)
		}
		return nil
	})
	var services struct {
		Data struct {
			Services []struct{ Labels map[string]string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(readPage(t, g.URL+"/api/v1/services")), &services))
	require.Len(t, services.Data.Services, 1)
	require.Equal(t, map[string]string{"namespace": "shop", "job": "good"}, services.Data.Services[0].Labels)
	for _, page := range []string{"/metrics", "/", "/services", "/status", "/api/v1/status"} {
		require.NotContains(t, readPage(t, g.URL+page), hostile[:3000], page)
	}
	require.NotContains(t, g.Output(), hostile[:3000])
	require.Less(t, len(g.Output()), 100_000)
	require.Contains(t, g.Output(), "has a value of 200000 bytes, more than 2048")
	for _, reason := range []string{"labels", "not_a_count", "not_finite"} {
		require.Positive(t, g.Metric(t, `gorowatch_prometheus_dropped_total{reason="`+reason+`"}`), reason)
	}
}

type apiLeak struct {
	ID             string
	State          string
	Instances      []string
	InstancesTotal int `json:"instances_total"`
	GrowthPerHour  struct{ Value float64 }
}

func leaks(t *testing.T, g *e2e.Gorowatch) []apiLeak {
	var answer struct{ Data struct{ Leaks []apiLeak } }
	require.NoError(t, json.Unmarshal([]byte(readPage(t, g.URL+"/api/v1/leaks")), &answer))
	return answer.Data.Leaks
}

// Two replicas of a Prometheus without deduplication do not double a leak, and its alert is the
// same whichever of them answers.
func TestReplicasOfAPrometheusAreOne(t *testing.T) {
	t.Parallel()
	onset := time.Now().Add(-20 * time.Minute)
	count := func(more float64) func(at time.Time) (string, bool) {
		return func(at time.Time) (string, bool) {
			return fmt.Sprint(40 + more + math.Floor(max(0, 100*at.Sub(onset).Minutes()))), true
		}
	}
	of := func(replica string, more float64) fakeSeries {
		return fakeSeries{`"namespace":"shop","job":"api","instance":"api:1","pod":"api-1"` + replica, count(more)}
	}
	single := []fakeSeries{of("", 0)}
	a, b := of(`,"prometheus_replica":"a"`, 0), of(`,"prometheus_replica":"b"`, 1)
	var pair atomic.Pointer[[]fakeSeries]
	pair.Store(&[]fakeSeries{a, b})

	start := func(url string) (*e2e.Gorowatch, *e2e.Receiver) {
		r := e2e.StartReceiver(t)
		return e2e.StartGorowatch(t, t.TempDir(), quick(url, "alerting: {webhooks: [{url: '"+r.URL+"'}]}\n")), r
	}
	requireOne := func(r *e2e.Receiver) {
		e2e.Eventually(t, 2*time.Minute, "the alert comes", func() error {
			if len(r.Alerts(map[string]string{"job": "api"})) == 0 {
				return fmt.Errorf("none")
			}
			return nil
		})
	}
	one, oneReceiver := start(fakePrometheus(t, func() []fakeSeries { return single }))
	two, twoReceiver := start(fakePrometheus(t, func() []fakeSeries { return *pair.Load() }))
	requireOne(oneReceiver)
	requireOne(twoReceiver)
	want, got := leaks(t, one), leaks(t, two)
	require.Len(t, want, 1)
	require.Len(t, got, 1)
	require.Equal(t, want[0].ID, got[0].ID)
	require.Equal(t, []string{"api:1"}, got[0].Instances)
	require.Equal(t, 1, got[0].InstancesTotal)
	require.InDelta(t, want[0].GrowthPerHour.Value, got[0].GrowthPerHour.Value, 0.1*want[0].GrowthPerHour.Value)

	for _, left := range [][]fakeSeries{{b}, {a, b}, {a}} {
		pair.Store(&left)
		before := two.Metric(t, `gorowatch_evaluations_total{result="ok"}`)
		e2e.Eventually(t, time.Minute, "it goes on", func() error {
			if n := two.Metric(t, `gorowatch_evaluations_total{result="ok"}`); n < before+20 {
				return fmt.Errorf("%v evaluations after %v", n, before)
			}
			return nil
		})
		again := leaks(t, two)
		require.Len(t, again, 1)
		require.Equal(t, got[0].ID, again[0].ID)
		require.Equal(t, "firing", again[0].State)
		require.Equal(t, []string{"api:1"}, again[0].Instances)
		require.Equal(t, 1, again[0].InstancesTotal)
	}
	ids := map[string]bool{}
	for _, alert := range twoReceiver.Alerts(map[string]string{"job": "api"}) {
		ids[alert.Labels["leak"]] = true
		require.False(t, slices.ContainsFunc([]string{"prometheus_replica", "replica"}, func(name string) bool { return alert.Labels[name] != "" }))
	}
	require.Len(t, ids, 1)
}
