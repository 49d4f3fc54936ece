package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// asks are the requests of an inbound webhook: "job instance why".
type asks struct {
	list      []string
	full      error
	token     string
	anonymous bool
	err       error
}

func (a *asks) Credentials() (string, bool, error) { return a.token, a.anonymous, a.err }

func (a *asks) RequestProfiles(s labels.Labels, instance, why string) error {
	if a.full == nil {
		a.list = append(a.list, s.Get("namespace")+"/"+s.Get("job")+" "+instance+" "+why)
	}
	return a.full
}

// The bounds of internal/web/inbound.
const (
	maxInbound            = 4 << 20
	maxServicesPerMessage = 100
)

func posted(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/alertmanager-webhook", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// message makes one as Alertmanager sends it; labels are "name=value,name=value".
func message(alerts ...string) string {
	type alert struct {
		Status       string            `json:"status"`
		Labels       map[string]string `json:"labels"`
		GeneratorURL string            `json:"generatorURL"`
	}
	m := map[string]any{"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "gorowatch", "externalURL": "http://evil.example.com"}
	var all []alert
	for _, text := range alerts {
		status, rest, _ := strings.Cut(text, " ")
		a := alert{Status: status, Labels: map[string]string{"alertname": "TooManyGoroutines"}, GeneratorURL: "http://evil.example.com/debug/pprof"}
		for pair := range strings.SplitSeq(rest, ",") {
			name, value, _ := strings.Cut(pair, "=")
			a.Labels[name] = value
		}
		all = append(all, a)
	}
	m["alerts"] = all
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func shops(n int) *state {
	s := &state{}
	for i := range n {
		s.services = append(s.services, view.Service{Labels: labels.FromStrings("namespace", "prod", "job", fmt.Sprintf("shop-%d", i))})
	}
	s.services = append(s.services, view.Service{Labels: labels.FromStrings("namespace", "staging", "job", "shop-0")})
	return s
}

// TestInbound: the result of each message, and the answer. Every answer is checked against
// docs/openapi.yaml.
func TestInbound(t *testing.T) {
	doc := document(t)
	doc.Servers = nil
	router, err := legacy.NewRouter(doc)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		body string
		asks asks // beforehand
		auth string
		off  bool // no token, and requests without one are not allowed
		host string
		late bool // not ready
		code int
		says string
		want []string
	}{
		"a service":    {body: message("firing namespace=prod,job=shop-1,pod=x,instance=10.0.0.7:80"), code: 200, says: `"alertname":"TooManyGoroutines"`, want: []string{"prod/shop-1 10.0.0.7:80 TooManyGoroutines"}},
		"fewer labels": {body: message("firing job=shop-0"), code: 200, want: []string{"prod/shop-0  TooManyGoroutines", "staging/shop-0  TooManyGoroutines"}},
		"once each":    {body: message("firing job=shop-1,pod=a", "firing job=shop-1,pod=b"), code: 200, want: []string{"prod/shop-1  TooManyGoroutines"}},
		"some of use": {
			body: message("resolved job=shop-1", "firing job=nosuch", "firing namespace=prod,job=shop-2", "firing alertname=GoroutineLeak,job=shop-1"), code: 200,
			says: "does not fire", want: []string{"prod/shop-2  TooManyGoroutines"},
		},
		"resolved":           {body: message("resolved namespace=prod,job=shop-1"), code: 200, says: `"requested":[]`},
		"our own":            {body: message("firing alertname=GoroutineLeak,namespace=prod,job=shop-1"), code: 200, says: "gorowatch's own"},
		"unknown":            {body: message("firing namespace=prod,job=nosuch"), code: 404, says: `no service that is watched has the labels {alertname=\"TooManyGoroutines\", job=\"nosuch\", namespace=\"prod\"}`},
		"an address":         {body: message("firing instance=169.254.169.254:80,__address__=169.254.169.254:80"), code: 404},
		"contradicts":        {body: message("firing namespace=staging,job=shop-1"), code: 404},
		"too vague":          {body: message("firing namespace=prod"), code: 422, says: "20 services have the labels"},
		"not JSON":           {body: "ok", code: 400, says: "not the JSON of Alertmanager's webhooks"},
		"nothing":            {body: "", code: 400},
		"another version":    {body: strings.Replace(message("firing job=shop-1"), `"4"`, `"3"`, 1), code: 400, says: `version: \"3\", expected \"4\"`},
		"foreign":            {body: `{"event":"push","commits":[]}`, code: 400, says: `expected \"4\"`},
		"other types":        {body: `{"version":4,"alerts":"x"}`, code: 400},
		"no alerts":          {body: `{"version":"4","alerts":[]}`, code: 400, says: "there is none"},
		"too large":          {body: `{"version":"4","alerts":[{"labels":{"x":"` + strings.Repeat("x", maxInbound) + `"}}]}`, code: 413, says: "larger than 4 MiB"},
		"deep":               {body: strings.Repeat("[", 1<<20), code: 400},
		"not ready":          {body: message("firing job=shop-1"), late: true, code: 503},
		"busy":               {body: message("firing job=shop-1"), asks: asks{full: errors.New("too many wait")}, code: 503, says: "too many wait"},
		"off":                {body: message("firing job=shop-1"), off: true, code: 403, says: "set alerting.inbound.credentials_file to a file with a bearer token"},
		"off, and guessed":   {body: message("firing job=shop-1"), off: true, auth: "Bearer ", code: 403, says: "the webhook is off"},
		"website":            {body: message("firing job=shop-1"), host: "evil.example", code: 403, says: "does not answer under this host name"},
		"token, any host":    {body: message("firing job=shop-1"), asks: asks{token: "abacus"}, auth: "Bearer abacus", host: "gorowatch.prod.example", code: 200, want: []string{"prod/shop-1  TooManyGoroutines"}},
		"no token, any host": {body: message("firing job=shop-1"), asks: asks{token: "abacus"}, host: "evil.example", code: 401},
		// The code and its reason belong to the same alert, whatever the order.
		"the worst of many":  {body: message("resolved job=shop-1", "firing job=nosuch"), code: 404, says: "no service that is watched has the labels"},
		"the worst is last":  {body: message("firing job=nosuch", "firing namespace=prod"), code: 422, says: "20 services have the labels"},
		"the worst is first": {body: message("firing namespace=prod", "firing job=nosuch"), code: 422, says: "20 services have the labels"},
		"token":              {body: message("firing job=shop-1"), asks: asks{token: "abacus"}, auth: "Bearer abacus", code: 200, want: []string{"prod/shop-1  TooManyGoroutines"}},
		"wrong token":        {body: message("firing job=shop-1"), asks: asks{token: "abacus"}, auth: "Bearer abacu", code: 401, says: "bearer token of alerting.inbound"},
		"no token":           {body: "ok", asks: asks{token: "abacus"}, code: 401},
		"token lost":         {body: message("firing job=shop-1"), asks: asks{err: errors.New("/etc/secret: no such file")}, auth: "Bearer ", code: 500, says: "the log says why"},
	} {
		t.Run(name, func(t *testing.T) {
			s := shops(20)
			s.starting = c.late
			o := options(s)
			asks := c.asks
			asks.anonymous = asks.token == "" && !c.off
			o.Inbound = &asks
			r := posted(c.body)
			if c.host != "" {
				r.Host = c.host
			}
			if c.auth != "" {
				r.Header.Set("Authorization", c.auth)
			}
			answer := do(t, o, r)
			text := body(t, answer)
			require.Equal(t, c.code, answer.StatusCode, text)
			require.Contains(t, text, c.says)
			require.Equal(t, c.want, asks.list)
			require.NotContains(t, text, "abacus")
			require.NotContains(t, text, "/etc/secret")
			require.Less(t, len(text), 4<<10)
			route, params, err := router.FindRoute(r)
			require.NoError(t, err)
			if c.code == 500 {
				return
			}
			require.NoError(t, openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
				Status:                 answer.StatusCode, Header: answer.Header, Body: io.NopCloser(bytes.NewReader([]byte(text))),
				Options: &openapi3filter.Options{IncludeResponseStatus: true},
			}), text)
		})
	}
}

// A message of hundreds of alerts is bounded, and counted.
func TestInboundOfMany(t *testing.T) {
	s := shops(300)
	a := asks{anonymous: true}
	o := options(s)
	reg := prometheus.NewRegistry()
	o.Inbound, o.Registerer = &a, reg
	var alerts []string
	for i := range 300 {
		alerts = append(alerts, fmt.Sprintf("firing namespace=prod,job=shop-%d", i))
	}
	answer := do(t, o, posted(message(alerts...)))
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Contains(t, body(t, answer), "too many services at once")
	require.Len(t, a.list, maxServicesPerMessage)
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP gorowatch_inbound_alerts_total Alerts received by the webhook, by result.
# TYPE gorowatch_inbound_alerts_total counter
gorowatch_inbound_alerts_total{result="full"} 200
gorowatch_inbound_alerts_total{result="own"} 0
gorowatch_inbound_alerts_total{result="requested"} 100
gorowatch_inbound_alerts_total{result="resolved"} 0
gorowatch_inbound_alerts_total{result="unknown"} 0
gorowatch_inbound_alerts_total{result="vague"} 0
`), "gorowatch_inbound_alerts_total"))

	require.Equal(t, http.StatusNotFound, do(t, options(s), posted(message("firing job=shop-1"))).StatusCode, "where nothing is pulled")
	crossed := posted(message("firing job=shop-1"))
	o.Registerer = nil
	crossed.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, do(t, o, crossed).StatusCode, "a page of another site")
}

// However often the webhook is called, the number of requested profiles is bounded.
func TestInboundRate(t *testing.T) {
	a, now := asks{anonymous: true}, at
	o := options(shops(300))
	o.Inbound, of(o).now = &a, func() time.Time { return now }
	open := visit(t, o)
	for i := range 300 {
		answer := open(posted(message(fmt.Sprintf("firing namespace=prod,job=shop-%d", i))))
		if i < maxServicesPerMessage {
			require.Equal(t, http.StatusOK, answer.StatusCode)
			continue
		}
		require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
		require.Contains(t, body(t, answer), "expected at most 100 and 20 a minute")
	}
	require.Len(t, a.list, maxServicesPerMessage)
	now = now.Add(time.Minute)
	for i := range 300 {
		open(posted(message(fmt.Sprintf("firing namespace=prod,job=shop-%d", i))))
	}
	require.Len(t, a.list, maxServicesPerMessage+20)
}

// Captures are on the pages of the service and of its leak, and in the API.
func TestCaptures(t *testing.T) {
	refs := archived().refs
	frame := collector.Frame{Func: "main.grew", File: "/src/x.go", Line: 7}
	o := options(leaking())
	of(o).captures = []ondemand.Capture{
		{Service: checkout, Instance: "10.0.3.17:8080", Why: "TooManyGoroutines", At: at.Add(-time.Hour), Profiles: []leak.ProfileRef{refs[0], refs[1]}, Stacks: []leak.StackGrowth{{Key: frame, Frames: []collector.Frame{frame}, Base: 3, Head: 103}}},
		{Service: checkout, Instance: "10.0.3.18:8080", Why: "<script>", At: at.Add(-2 * time.Hour), Error: "connection refused"},
		{Service: labels.FromStrings("job", "other"), Instance: "elsewhere:1", At: at},
		{Service: checkout, Instance: "long-ago:1", Why: "x", At: at.Add(-24 * time.Hour)},
	}
	for path, old := range map[string]bool{"/leaks/3f9c2a7b": false, "/services/" + view.ServiceID(checkout): true} {
		page := body(t, get(t, o, path))
		require.Contains(t, page, "Captured on request")
		require.Contains(t, page, "TooManyGoroutines")
		require.Contains(t, page, "main.grew")
		require.Contains(t, page, "connection refused")
		require.NotContains(t, page, "<script>&")
		require.NotContains(t, page, "elsewhere:1")
		require.Equal(t, old, strings.Contains(page, "long-ago:1"), path)
		require.Contains(t, page, `>compare</a>`)
	}
	require.NotContains(t, body(t, get(t, options(leaking()), "/leaks/3f9c2a7b")), "Captured on request")
	type list struct {
		Captures []struct {
			Why      string
			Profiles []struct{ Key string }
			Stacks   []struct{ Key string }
		}
		Total int
	}
	all := apiData[list](t, o, "/api/v1/captures?limit=2")
	require.Equal(t, 4, all.Total)
	require.Len(t, all.Captures, 2)
	require.Equal(t, "main.grew x.go:7", all.Captures[0].Stacks[0].Key)
	require.Equal(t, refs[0].Key, all.Captures[0].Profiles[0].Key)
	require.Equal(t, 1, apiData[list](t, o, "/api/v1/captures?q=toomany").Total)
	require.Empty(t, apiData[list](t, options(leaking()), "/api/v1/captures").Captures)
}

func FuzzInbound(f *testing.F) {
	f.Add([]byte(message("firing job=shop-1")))
	f.Add([]byte(`{"version":"4","alerts":[{"status":"firing","labels":null}]}`))
	f.Add([]byte("[]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a := asks{anonymous: true}
		o := options(shops(3))
		o.Inbound = &a
		answer := do(t, o, posted(string(text)))
		require.Less(t, answer.StatusCode, 500)
		if answer.StatusCode != http.StatusOK {
			require.Empty(t, a.list)
		}
	})
}
