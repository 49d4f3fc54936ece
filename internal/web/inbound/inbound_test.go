package inbound

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend is a Backend made of its fields.
type backend struct {
	starting  bool
	services  []labels.Labels
	token     string
	anonymous bool
	err       error // of the credentials
	full      error // of a request
	stranger  bool  // the host is not trusted
	now       time.Time
	requests  []string // "job instance why"
}

func (b *backend) Ready() bool                        { return !b.starting }
func (b *backend) ServiceLabels() []labels.Labels     { return b.services }
func (b *backend) Credentials() (string, bool, error) { return b.token, b.anonymous, b.err }
func (b *backend) TrustsHost(*http.Request) bool      { return !b.stranger }
func (b *backend) Now() time.Time                     { return b.now }
func (b *backend) RequestProfiles(s labels.Labels, instance, why string) error {
	if b.full == nil {
		b.requests = append(b.requests, strings.Join([]string{s.Get("job"), instance, why}, " "))
	}
	return b.full
}

// jobs makes n services of a namespace: job-0, job-1, …
func jobs(namespace string, n int) (services []labels.Labels) {
	for i := range n {
		services = append(services, labels.FromStrings("namespace", namespace, "job", fmt.Sprintf("job-%d", i)))
	}
	return services
}

// newHandler makes a Handler, and its metric.
func newHandler(t *testing.T, b Backend) (*Handler, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	h, err := New(Options{Logger: slog.New(slog.DiscardHandler), Backend: b, Registerer: reg})
	require.NoError(t, err)
	return h, reg
}

// post sends a message.
func post(h *Handler, authorization, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, Path, strings.NewReader(body))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// messageOf returns a message of alerts.
func messageOf(t *testing.T, alerts ...alert) string {
	t.Helper()
	b, err := json.Marshal(message{Version: "4", Alerts: alerts})
	require.NoError(t, err)
	return string(b)
}

// firing returns an alert that fires, with labels given as name, value, name, value.
func firing(namesAndValues ...string) alert {
	return alert{Status: "firing", Labels: labels.FromStrings(append([]string{"alertname", "TooMany"}, namesAndValues...)...).Map()}
}

// TestMatchingServices: an alert names a service when they agree on all labels
// that both have, and have one in common.
func TestMatchingServices(t *testing.T) {
	prod := labels.FromStrings("namespace", "prod", "job", "checkout")
	staging := labels.FromStrings("namespace", "staging", "job", "checkout")
	services := []labels.Labels{prod, staging, labels.FromStrings("namespace", "prod", "job", "ledger"), labels.EmptyLabels()}
	for name, c := range map[string]struct {
		alert map[string]string
		want  []labels.Labels
	}{
		"all labels":                {map[string]string{"namespace": "prod", "job": "checkout"}, []labels.Labels{prod}},
		"and others":                {map[string]string{"namespace": "prod", "job": "checkout", "pod": "x"}, []labels.Labels{prod}},
		"fewer labels":              {map[string]string{"job": "checkout"}, []labels.Labels{prod, staging}},
		"one contradicts":           {map[string]string{"namespace": "dev", "job": "checkout"}, nil},
		"none in common":            {map[string]string{"severity": "page"}, nil},
		"none at all":               {nil, nil},
		"an empty value is one":     {map[string]string{"namespace": "", "job": "checkout"}, nil},
		"values are not patterns":   {map[string]string{"job": "check.*"}, nil},
		"values are case-sensitive": {map[string]string{"job": "Checkout"}, nil},
	} {
		require.Equal(t, c.want, matchingServices(c.alert, services), name)
	}
}

// TestCredentials: who may request profiles.
func TestCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		backend
		authorization string
		code          int
		text          string
	}{
		"the token":                 {backend{token: "abacus"}, "Bearer abacus", 200, ""},
		"the token, to any host":    {backend{token: "abacus", stranger: true}, "Bearer abacus", 200, ""},
		"another token":             {backend{token: "abacus"}, "Bearer abacu", 401, "expected an Authorization header"},
		"a longer token":            {backend{token: "abacus"}, "Bearer abacuss", 401, "expected an Authorization header"},
		"another scheme":            {backend{token: "abacus"}, "Basic abacus", 401, "expected an Authorization header"},
		"no header":                 {backend{token: "abacus"}, "", 401, "expected an Authorization header"},
		"an empty token":            {backend{token: "abacus"}, "Bearer ", 401, "expected an Authorization header"},
		"off":                       {backend{}, "", 403, "the webhook is off"},
		"off, with an empty token":  {backend{}, "Bearer ", 403, "the webhook is off"},
		"anonymous":                 {backend{anonymous: true}, "", 200, ""},
		"anonymous, with a token":   {backend{anonymous: true}, "Bearer x", 200, ""},
		"anonymous, from a website": {backend{anonymous: true, stranger: true}, "", 403, "does not answer under this host name"},
		"unreadable":                {backend{err: errors.New("/etc/hunter2")}, "Bearer abacus", 500, "the log says why"},
		"unreadable, but anonymous": {backend{anonymous: true, err: errors.New("/etc/hunter2")}, "", 500, "the log says why"},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.backend
			b.services = jobs("prod", 1)
			h, _ := newHandler(t, &b)
			w := post(h, c.authorization, messageOf(t, firing("job", "job-0")))
			require.Equal(t, c.code, w.Code, w.Body)
			require.Contains(t, w.Body.String(), c.text)
			require.NotContains(t, w.Body.String(), "hunter2")
			require.NotContains(t, w.Body.String(), "abacus")
			require.Equal(t, c.code == 200, len(b.requests) == 1)
			require.Equal(t, c.code == 401, w.Header().Get("WWW-Authenticate") == "Bearer")
		})
	}
}

// TestBodies: an invalid message is refused before anything is requested.
func TestBodies(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		code int
		text string
	}{
		"empty":           {"", 400, "not the JSON of Alertmanager's webhooks"},
		"no JSON":         {"ok", 400, "not the JSON of Alertmanager's webhooks"},
		"another version": {`{"version":"3","alerts":[{"status":"firing"}]}`, 400, `version: \"3\", expected \"4\"`},
		"no version":      {`{"alerts":[{"status":"firing"}]}`, 400, `version: \"\", expected \"4\"`},
		"no alerts":       {`{"version":"4"}`, 400, "alerts: there is none"},
		"of 4 MiB":        {`{"version":"4","alerts":[]` + strings.Repeat(" ", maxBody-27) + `}`, 400, "alerts: there is none"},
		"larger":          {`{"version":"4","alerts":[]` + strings.Repeat(" ", maxBody-26) + `}`, 413, "the body is larger than 4 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &backend{anonymous: true, services: jobs("prod", 1)}
			h, _ := newHandler(t, b)
			w := post(h, "", c.body)
			require.Equal(t, c.code, w.Code, w.Body)
			require.Contains(t, w.Body.String(), c.text)
			require.Empty(t, b.requests)
		})
	}
	h, _ := newHandler(t, nil)
	require.Equal(t, http.StatusNotFound, post(h, "", messageOf(t, firing("job", "job-0"))).Code, "no profiles are taken")
	h, _ = newHandler(t, &backend{anonymous: true, starting: true})
	w := post(h, "", messageOf(t, firing("job", "job-0")))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), `"errorType":"unavailable"`)
}

// TestResults: the result for each alert, in the answer and in the metric.
func TestResults(t *testing.T) {
	b := &backend{anonymous: true, services: append(jobs("prod", maxServicesPerAlert+1), jobs("staging", maxServicesPerAlert)...)}
	h, reg := newHandler(t, b)
	resolved := firing("namespace", "prod", "job", "job-1")
	resolved.Status = "resolved"
	own := firing("namespace", "prod", "job", "job-1")
	own.Labels["alertname"] = "GoroutineLeak"
	w := post(h, "", messageOf(t,
		firing("namespace", "prod", "job", "job-1", "instance", "10.0.0.7:80"),
		firing("namespace", "prod", "job", "job-1", "instance", "10.0.0.8:80"), // the same service again
		resolved, own,
		firing("job", "nosuch"),
		firing("namespace", "prod"),    // one too many
		firing("namespace", "staging"), // just within the bound
	))
	require.Equal(t, http.StatusOK, w.Code)
	var got struct{ Data answer }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))

	require.Len(t, got.Data.Requested, 2+maxServicesPerAlert)
	require.Equal(t, requestedProfiles{"TooMany", b.services[1], "10.0.0.7:80"}, got.Data.Requested[0])
	require.Equal(t, "10.0.0.8:80", got.Data.Requested[1].Instance)
	require.Len(t, b.requests, 1+maxServicesPerAlert, "a service is asked for once a message")
	require.Equal(t, "job-1 10.0.0.7:80 TooMany", b.requests[0])

	var reasons []string
	for _, x := range got.Data.Ignored {
		reasons = append(reasons, x.Reason+": "+x.Message)
	}
	require.Equal(t, []string{
		"resolved: does not fire",
		"own: is gorowatch's own",
		`unknown: no service that is watched has the labels {alertname="TooMany", job="nosuch"}`,
		`vague: 11 services have the labels {alertname="TooMany", namespace="prod"}, expected at most 10: keep more of their labels in the rule`,
	}, reasons)
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP gorowatch_inbound_alerts_total Alerts received by the webhook, by result.
# TYPE gorowatch_inbound_alerts_total counter
gorowatch_inbound_alerts_total{result="full"} 0
gorowatch_inbound_alerts_total{result="own"} 1
gorowatch_inbound_alerts_total{result="requested"} 12
gorowatch_inbound_alerts_total{result="resolved"} 1
gorowatch_inbound_alerts_total{result="unknown"} 1
gorowatch_inbound_alerts_total{result="vague"} 1
`)))
}

// TestNothingRequested: a message without a result is refused with the worst of the reasons,
// unless nothing was wrong with it.
func TestNothingRequested(t *testing.T) {
	resolved := firing("job", "job-0")
	resolved.Status = "resolved"
	unknown, vague := firing("job", "nosuch"), firing("namespace", "prod")
	for name, c := range map[string]struct {
		alerts []alert
		full   error
		code   int
		kind   string
		text   string
	}{
		"resolved":           {[]alert{resolved}, nil, 200, "", `"requested":[]`},
		"unknown":            {[]alert{resolved, unknown}, nil, 404, "not_found", "no service that is watched"},
		"vague":              {[]alert{vague}, nil, 422, "bad_data", "20 services have the labels"},
		"the worst is first": {[]alert{vague, unknown}, nil, 422, "bad_data", "20 services have the labels"},
		"the worst is last":  {[]alert{unknown, vague}, nil, 422, "bad_data", "20 services have the labels"},
		"full":               {[]alert{firing("job", "job-0"), vague}, errors.New("too many wait"), 503, "unavailable", "too many wait"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &backend{anonymous: true, services: jobs("prod", 20), full: c.full}
			h, _ := newHandler(t, b)
			w := post(h, "", messageOf(t, c.alerts...))
			require.Equal(t, c.code, w.Code, w.Body)
			require.Contains(t, w.Body.String(), c.text)
			if c.kind != "" {
				require.Contains(t, w.Body.String(), `"errorType":"`+c.kind+`"`)
			}
			require.Empty(t, b.requests)
		})
	}
}

// TestRate: one message, and all messages in the long run, may request a bounded number of
// services.
func TestRate(t *testing.T) {
	b := &backend{anonymous: true, services: jobs("prod", 2*maxServicesPerMessage), now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	h, _ := newHandler(t, b)
	var alerts []alert
	for i := range maxServicesPerMessage + 1 {
		alerts = append(alerts, firing("job", fmt.Sprintf("job-%d", i)))
	}
	w := post(h, "", messageOf(t, alerts...))
	require.Equal(t, http.StatusOK, w.Code)
	require.Len(t, b.requests, maxServicesPerMessage)
	require.Contains(t, w.Body.String(), `"reason":"full","message":"too many services at once"`)

	another := messageOf(t, firing("job", "job-150"))
	w = post(h, "", another)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), "expected at most 100 and 20 a minute")
	require.Len(t, b.requests, maxServicesPerMessage)

	b.now = b.now.Add(3 * time.Second)
	require.Equal(t, http.StatusOK, post(h, "", another).Code, "one is free after 3 s")
	require.Equal(t, http.StatusServiceUnavailable, post(h, "", another).Code, "but no more than one")
	b.now = b.now.Add(24 * time.Hour)
	b.requests = nil
	require.Equal(t, http.StatusOK, post(h, "", messageOf(t, alerts...)).Code)
	require.Len(t, b.requests, maxServicesPerMessage, "a quiet day does not save up")
}
