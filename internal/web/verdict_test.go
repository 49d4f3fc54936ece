package web

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
)

// rolledOut makes the counts of a service with two processes: one that started a given time
// before now and grows by a number of goroutines a minute, and an old one.
func rolledOut(age time.Duration, perMinute float64) counts {
	return func(from, to time.Time, step time.Duration) (collector.History, error) {
		n := int(to.Sub(from) / step)
		h := collector.History{Start: from.Add(step), Step: step, Steps: n}
		for name, started := range map[string]time.Time{"new": at.Add(-age), "old": at.Add(-40 * time.Hour)} {
			in := collector.NewInstanceHistory(labels.FromStrings("instance", name, "job", "checkout", "namespace", "prod"), n)
			for i := range n {
				now := h.Start.Add(time.Duration(i) * step)
				if now.Before(started) || now.After(at) {
					continue
				}
				x := collector.Sample{Count: 60 + math.Round(3*math.Sin(float64(i))), Load: 0.2, Start: float64(started.Unix())}
				if name == "new" {
					x.Count += perMinute * now.Sub(started).Minutes()
				}
				in.Observe(i, x)
			}
			h.Instances = append(h.Instances, in)
		}
		return h, nil
	}
}

func TestVerdictOnARollout(t *testing.T) {
	ask := func(c counts, query string) (int, v1.RolloutVerdict, string) {
		o := options(leaking())
		o.History = c
		resp := get(t, o, "/api/v1/verdict?"+query)
		defer func() { _ = resp.Body.Close() }()
		var a struct {
			Data  v1.RolloutVerdict
			Error string
		}
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&a))
		return resp.StatusCode, a.Data, a.Error
	}
	const pool = `match=job%3D"pool"&since=45m`
	for _, x := range []struct {
		age       time.Duration
		perMinute float64
		want      string
	}{
		{40 * time.Minute, 9, "fail"},
		{15 * time.Minute, 9, "fail"},
		{40 * time.Minute, 0, "pass"},
		{15 * time.Minute, 0, "undecided"},
		{4 * time.Minute, 90, "undecided"},
		{50 * time.Minute, 9, "undecided"}, // it started before
	} {
		code, a, text := ask(rolledOut(x.age, x.perMinute), pool)
		require.Equal(t, http.StatusOK, code, text)
		require.Equal(t, x.want, a.Verdict, "%v %v: %v", x.age, x.perMinute, a.Reasons)
		require.Len(t, a.Services, 1)
		require.NotEmpty(t, a.Reasons)
	}
	_, a, _ := ask(rolledOut(40*time.Minute, 0), `match=job%3D"nosuch"`)
	require.Equal(t, "undecided", a.Verdict)
	require.Equal(t, []string{"no service that is watched fits match"}, a.Reasons)
	for query, want := range map[string]string{
		"":                          "match: is missing",
		"match=%7B":                 "match: ",
		pool + "&since=tomorrow":    "",
		`match=job%3D"a"&since=9y`:  "since: ",
		`match=job%3D"a"&since=x`:   "expected Unix seconds or RFC 3339, or a duration such as 30m",
		`match=job%3D"a"&window=1s`: "window: expected a duration from 10m to 6h",
	} {
		code, _, text := ask(rolledOut(time.Hour, 0), query)
		if want != "" {
			require.Equal(t, http.StatusBadRequest, code, query)
		}
		require.Contains(t, text, want, query)
	}
	code, _, text := ask(func(time.Time, time.Time, time.Duration) (collector.History, error) {
		return collector.History{}, errors.New("boom")
	}, pool)
	require.Equal(t, http.StatusBadGateway, code)
	require.Contains(t, text, "the series cannot be read now")
}
