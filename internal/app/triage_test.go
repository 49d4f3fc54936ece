package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/archive"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/web/actions"
	"github.com/gorowatch/gorowatch/leak"
)

// firing makes a firing leak, in its own bucket.
func firing(t *testing.T) (l leak.Leak, bucket string) {
	t.Helper()
	bucket = "file://" + t.TempDir()
	since := time.Now().Add(-time.Hour).Truncate(time.Second)
	key := collector.Frame{Func: "main.send", File: "/src/main.go", Line: 7}
	l = leak.Leak{
		ID: "abc123", Service: labels.FromStrings("namespace", "prod", "job", "shop"), Signature: "s1", State: leak.Firing, Evidence: leak.Stack,
		Onset: since, DetectedAt: since, UpdatedAt: since, Leaked: 100, Instances: []string{"127.0.0.1:1"}, InstancesTotal: 1,
		Signatures: []string{"s1"}, Stacks: []leak.StackGrowth{{Signature: "s1", Op: "chan send", Key: key, Frames: []collector.Frame{key}, Base: 1, Head: 101, Share: 1}},
	}
	a, err := archive.Open(t.Context(), bucket, archive.Options{GroupBy: []string{"job"}, Decode: func(context.Context, io.Reader, time.Time) (*collector.Profile, error) { return nil, nil }})
	require.NoError(t, err)
	require.NoError(t, a.SaveLeak(t.Context(), l))
	require.NoError(t, a.Close())
	return l, bucket
}

// put changes the triage of a leak.
func (r *running) put(id, body string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPut, "http://"+r.Addr()+"/api/v1/leaks/"+id+"/triage", strings.NewReader(body))
	require.NoError(r.t, err)
	resp, err := r.client.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, string(text)
}

// becomes waits until a leak has a state.
func (r *running) becomes(id string, want leak.State) {
	r.t.Helper()
	var answer struct{ Data struct{ State leak.State } }
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		_, text := r.get("/api/v1/leaks/" + id)
		require.NoError(r.t, json.Unmarshal([]byte(text), &answer))
		if answer.Data.State == want {
			return
		}
		r.cycle(1)
	}
	r.t.Fatalf("%s is %s, expected %s\n%s", id, answer.Data.State, want, r.log)
}

// TestExpectedLeak: an expectation applies at once, also after a restart, and can be removed.
func TestExpectedLeak(t *testing.T) {
	l, bucket := firing(t)
	conf := fast(t, newPrometheus(t).URL)
	conf.Storage.URL = bucket
	r := start(t, Options{Config: conf, EnableAdminAPI: true})
	r.becomes(l.ID, leak.Firing)
	code, text := r.put(l.ID, `{"owner": "alice", "note": "PAY-1", "expected": {"reason": "until v2"}}`)
	require.Equal(t, http.StatusOK, code, text)
	r.becomes(l.ID, leak.Ignored)
	require.Contains(t, r.page("/leaks/"+l.ID), "until v2")
	require.NoError(t, r.stop())

	r = start(t, Options{Config: conf}) // and it may not be changed now
	r.becomes(l.ID, leak.Ignored)
	require.Contains(t, r.page("/leaks/"+l.ID), "alice")
	code, text = r.put(l.ID, `{}`)
	require.Equal(t, http.StatusForbidden, code)
	require.Contains(t, text, "--web.enable-admin-api")
	require.NoError(t, r.stop())

	r = start(t, Options{Config: conf, EnableAdminAPI: true})
	code, text = r.put(l.ID, `{"owner": "alice"}`)
	require.Equal(t, http.StatusOK, code, text)
	for deadline := time.Now().Add(patience); ; {
		if _, text := r.get("/api/v1/leaks/" + l.ID); !strings.Contains(text, `"state":"ignored"`) {
			break
		}
		require.True(t, time.Now().Before(deadline), "it is ignored for ever")
		r.cycle(1)
	}
}

// TestReplicaFollows: a change on one replica reaches the other by their bucket.
func TestReplicaFollows(t *testing.T) {
	l, bucket := firing(t)
	conf := fast(t, newPrometheus(t).URL)
	conf.Storage.URL = bucket
	one := start(t, Options{Config: conf, EnableAdminAPI: true})
	other := start(t, Options{Config: conf})
	code, text := one.put(l.ID, `{"expected": {"reason": "until v2"}}`)
	require.Equal(t, http.StatusOK, code, text)
	other.readTriage(t.Context()) // as it does each minute
	other.becomes(l.ID, leak.Ignored)
}

// TestRuleOfThePages: the configuration entry on the page of a leak is valid, and matches only
// this leak.
func TestRuleOfThePages(t *testing.T) {
	l, _ := firing(t)
	l.Service = labels.FromStrings("namespace", "prod", "job", `a "b" \c`)
	conf, err := config.Load([]byte(actions.Rule(l, `"known": since #12`, time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC))))
	require.NoError(t, err)
	require.Equal(t, `"known": since #12`, conf.Ignore[0].Comment)
	rules, err := ignoreRules(conf.Ignore)
	require.NoError(t, err)
	require.True(t, rules[0].Matches(time.Now(), l.Service, l.Stacks[0]))
	require.False(t, rules[0].Matches(time.Now(), labels.FromStrings("namespace", "prod", "job", "other"), l.Stacks[0]))
	l.Stacks[0].Signature = "s2"
	require.False(t, rules[0].Matches(time.Now(), l.Service, l.Stacks[0]))
}

// TestLinks: without links.alertmanager, a silence is made in the first Alertmanager that
// alerts are sent to.
func TestLinks(t *testing.T) {
	l, bucket := firing(t)
	conf := fast(t, newPrometheus(t).URL)
	conf.Storage.URL = bucket
	conf.Alerting.Alertmanagers = []config.Alertmanager{{
		Scheme: "http", PathPrefix: "/am", Timeout: model.Duration(time.Second), HTTPClientConfig: commoncfg.DefaultHTTPClientConfig,
		StaticConfigs: []config.StaticConfig{{Targets: []string{"127.0.0.1:1"}}},
	}}
	conf.Links.Issues = []config.IssueLink{{Name: "GitHub", URL: "https://github.com/acme/{job}/issues/new?title={title}"}}
	conf.Owners = []config.Owner{{Matchers: []string{`job="other"`}, Owner: "nobody"}, {Owner: "#{namespace}"}}
	r := start(t, Options{Config: conf})
	page := r.page("/leaks/" + l.ID)
	require.Contains(t, page, "http://127.0.0.1:1/am/#/silences/new?filter=")
	require.Contains(t, page, "https://github.com/acme/shop/issues/new?title=Goroutine%20leak%20in%20prod%2Fshop")
	require.Contains(t, page, "#prod")
	require.NoError(t, r.stop())

	conf.Links.Alertmanager = "https://am.example.com"
	r = start(t, Options{Config: conf})
	require.Contains(t, r.page("/leaks/"+l.ID), fmt.Sprintf("%s/#/silences/new", conf.Links.Alertmanager))
}
