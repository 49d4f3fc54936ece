package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/web/actions"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// The bounds of internal/web/apiv1.
const (
	maxDrawn  = 30
	maxMarks  = 400
	maxLoaded = 24
)

// seconds returns a time in Unix seconds, as in charts.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

var checkout = labels.FromStrings("job", "checkout", "namespace", "prod")

// apiData requests a path of the API and decodes the data of the answer.
func apiData[T any](t *testing.T, o Options, path string) (data T) {
	t.Helper()
	r := get(t, o, path)
	text := body(t, r)
	require.Equal(t, http.StatusOK, r.StatusCode, text)
	var e struct{ Data *T }
	e.Data = &data
	require.NoError(t, json.Unmarshal([]byte(text), &e))
	return data
}

func historyURL(query string) string {
	return "/api/v1/services/" + view.ServiceID(checkout) + "/history?" + query
}

func TestHistory(t *testing.T) {
	h := apiData[v1.History](t, options(leaking()), historyURL("leak=3f9c2a7b"))
	require.InDelta(t, 537*4/3*60, float64(h.Steps)*h.Step, 60*60, "since a third of its age before the onset")
	require.Len(t, h.Instances, 5)
	for i, x := range h.Instances {
		require.Equal(t, i < 3, x.Leaking, x.Name)
		require.Len(t, x.Min, h.Steps)
		require.Nil(t, x.Load, "only if asked for")
	}
	require.InDelta(t, float64(at.Add(-537*time.Minute).Unix()), *h.Onset, 0)
	require.InDelta(t, float64(at.Add(-500*time.Minute).Unix()), *h.DetectedAt, 0)
	require.Nil(t, h.ResolvedAt)

	require.Len(t, h.Fits, 3)
	f := h.Fits[0]
	require.InDelta(t, 212.4/3, float64(f.PerHour.Value), .01, "each its part of the leak's")
	require.GreaterOrEqual(t, f.From, *h.Onset)
	now := f.Level + float64(f.PerHour.Value)/3600*(f.To-f.At)
	require.InDelta(t, 60+71*537./60, now, 40, "the line lies on the floor")

	require.Len(t, h.Profiles, 2)
	require.Equal(t, archived().refs[0].Key, h.Profiles[0].Key)
	require.Empty(t, h.Restarts)

	h = apiData[v1.History](t, options(leaking()), historyURL("load=true&points=50&start=2026-03-02T20:00:00Z&end="+fmt.Sprint(at.Unix())))
	require.Len(t, h.Instances[0].Load, h.Steps)
	require.InDelta(t, 50, h.Steps, 2)
	require.Empty(t, h.Fits, "no leak was named, and none of the instances grows by itself")
}

// TestHistoryOfAService: the chart marks the parts of the verdict.
func TestHistoryOfAService(t *testing.T) {
	s := leaking()
	s.services[1].Growing = []trend.InstanceTrend{{Instance: "10.0.3.17:8080", Rate: trend.Interval{Value: 70, Low: 60, High: 80}, Onset: at.Add(-2 * time.Hour)}}
	h := apiData[v1.History](t, options(s), historyURL(""))
	require.True(t, h.Instances[0].Leaking)
	require.Equal(t, "10.0.3.17:8080", h.Instances[0].Name)
	require.Len(t, h.Fits, 1)
	require.InDelta(t, float64(at.Add(-2*time.Hour).Unix()), *h.Onset, 0)
}

func TestHistoryIsBounded(t *testing.T) {
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprintf("10.0.0.%d:8080", i)
	}
	o, shelf := options(leaking()), &shelf{}
	for i := range 5000 {
		shelf.refs = append(shelf.refs, leak.ProfileRef{Key: fmt.Sprintf("profiles/prod/checkout/%d/20260302T140000Z.pb.gz", i), Time: at.Add(-time.Duration(i) * time.Second)})
	}
	o.Profiles, o.History = shelf, climbing(names...)
	r := get(t, o, historyURL("points=1000&load=true&start="+fmt.Sprint(at.Add(-7*24*time.Hour).Unix())))
	require.Equal(t, http.StatusOK, r.StatusCode)
	text := body(t, r)
	t.Logf("7 days, 100 instances: %d KB", len(text)>>10)
	require.Less(t, len(text), 700<<10)
	var h struct{ Data v1.History }
	require.NoError(t, json.Unmarshal([]byte(text), &h))
	require.Len(t, h.Data.Instances, maxDrawn)
	require.Equal(t, 70, h.Data.More)
	require.LessOrEqual(t, len(h.Data.Profiles), maxMarks)
	require.LessOrEqual(t, h.Data.Steps, 1000)
}

// TestHistoryThatCannotBeRead: the answer says why; the page appears without it.
func TestHistoryThatCannotBeRead(t *testing.T) {
	o := options(leaking())
	o.History = counts(func(time.Time, time.Time, time.Duration) (collector.History, error) {
		return collector.History{}, errors.New("prometheus http://prometheus:9090: connection refused")
	})
	o.Profiles = &shelf{listing: context.DeadlineExceeded}
	r := get(t, o, historyURL(""))
	require.Equal(t, http.StatusBadGateway, r.StatusCode)
	require.Contains(t, body(t, r), "the series cannot be read now: prometheus http://prometheus:9090: connection refused")
	require.Equal(t, http.StatusOK, get(t, o, "/leaks/3f9c2a7b").StatusCode)
	require.Equal(t, http.StatusOK, get(t, o, "/services/"+view.ServiceID(checkout)).StatusCode)

	o.History = climbing("a")
	h := apiData[v1.History](t, o, historyURL(""))
	require.Equal(t, "the archive does not answer in time", h.ProfilesError)
	require.Len(t, h.Instances, 1, "the rest is there")

	o.History = counts(func(from, to time.Time, step time.Duration) (collector.History, error) {
		return collector.History{Start: from, Step: step, Steps: int(to.Sub(from) / step)}, nil
	})
	require.Empty(t, apiData[v1.History](t, o, historyURL("start=1000&end=2000")).Instances, "outside of the retention there is nothing")

	for query, want := range map[string]string{
		"start=yesterday":     "is not a time, expected Unix seconds or RFC 3339",
		"start=2000&end=1000": "expected a time after start",
		"start=1&end=1e10":    "at most 120 days before end",
		"points=1":            "points: expected 10 to 1000",
		"points=x":            "points: expected",
		"start=-1":            "is not a time",
		"end=NaN":             "is not a time",
	} {
		r := get(t, o, historyURL(query))
		require.Equal(t, http.StatusBadRequest, r.StatusCode, query)
		require.Contains(t, body(t, r), want, query)
	}
	require.Equal(t, http.StatusNotFound, get(t, o, historyURL("leak=nosuch")).StatusCode)
	require.Equal(t, http.StatusNotFound, get(t, o, historyURL("leak=a1b2c3d4")).StatusCode, "of another service")
	require.Equal(t, http.StatusNotFound, get(t, o, "/api/v1/services/nosuch/history").StatusCode)
}

func TestCountsOfStacks(t *testing.T) {
	s, o := leaking(), options(nil)
	l := &s.leaks[3]
	shelf := archived()
	l.Stacks[0].Signature = signatureOf(t, shelf.byKey[l.Head.Key], "main.logHandler.func1")
	of(o).State, o.Profiles = s, shelf
	c := apiData[v1.StackCounts](t, o, "/api/v1/leaks/3f9c2a7b/stacks")
	require.Equal(t, "10.0.3.17:8080", c.Instance)
	require.Equal(t, v1.Numbers{seconds(l.Base.Time), seconds(l.Head.Time)}, c.Times)
	require.Equal(t, v1.Numbers{61, 2018}, c.Total)
	require.Equal(t, v1.Numbers{12, 1916}, c.Stacks[0].Counts)
	require.Equal(t, "main.logHandler.func1 handler.go:29 (chan send)", c.Stacks[0].Name)
	require.Equal(t, v1.Numbers{0, 0}, c.Stacks[1].Counts)

	shelf.byKey[l.Base.Key] = nil
	c = apiData[v1.StackCounts](t, o, "/api/v1/leaks/3f9c2a7b/stacks")
	require.Equal(t, 1, c.Unread)
	require.Equal(t, "the profile cannot be read: not_a_profile", c.Problem)
	require.Equal(t, v1.Numbers{1916}, c.Stacks[0].Counts)

	for i := range 200 {
		shelf.refs = append(shelf.refs, leak.ProfileRef{Key: fmt.Sprint("profiles/x/", i), Instance: l.Head.Instance, Time: l.Base.Time.Add(time.Duration(i) * time.Minute)})
	}
	c = apiData[v1.StackCounts](t, o, "/api/v1/leaks/3f9c2a7b/stacks")
	require.LessOrEqual(t, len(c.Times)+c.Unread, maxLoaded)
	require.Contains(t, c.Keys, l.Head.Key)

	shelf.listing = errors.New("s3://bucket?secret=hunter2: down")
	r := get(t, o, "/api/v1/leaks/3f9c2a7b/stacks")
	require.Equal(t, http.StatusBadGateway, r.StatusCode)
	require.NotContains(t, body(t, r), "hunter2")
	require.Empty(t, apiData[v1.StackCounts](t, o, "/api/v1/leaks/a1b2c3d4/stacks").Times, "nothing is known of its stacks")
}

// TestLinks: configured links are on the page of a leak.
func TestLinks(t *testing.T) {
	l := actions.Links{
		Source: []actions.SourceLink{
			{Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "job", "other")}, URL: "https://elsewhere"},
			{Prefix: "/src/checkout/", URL: "https://github.com/acme/checkout/blob/{version}/{path}#L{line}"},
		},
		Alertmanager: "https://am/prefix/",
	}
	o := options(leaking())
	of(o).links = l
	of(o).render = alerting.RenderOptions{Dashboard: "https://grafana/d/x?var-job={job}&from={from}&to={to}", Runbook: "https://runbooks/{job}"}
	page := body(t, get(t, o, "/leaks/3f9c2a7b"))
	require.Contains(t, page, `href="https://github.com/acme/checkout/blob/v1.42.0/handler.go#L29"`)
	require.Contains(t, page, `href="https://grafana/d/x?var-job=checkout&amp;from=17`)
	require.Contains(t, page, `&amp;to=now"`)
	require.Contains(t, page, `href="https://runbooks/checkout"`)
	require.Contains(t, page, "Silence in Alertmanager")
	require.NotContains(t, body(t, get(t, o, "/leaks/feedbeef")), "Silence in Alertmanager", "it is resolved")
}
