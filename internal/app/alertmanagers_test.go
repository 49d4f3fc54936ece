package app

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/archive"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/leak"
)

// fakeAlertmanager records the paths of alerts.
func fakeAlertmanager(t *testing.T) (host string, paths chan string) {
	paths = make(chan string, 1000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var list []struct{ Labels map[string]string }
		if err := json.NewDecoder(r.Body).Decode(&list); err != nil || len(list) == 0 {
			http.Error(w, "no alerts", http.StatusBadRequest)
			return
		}
		select {
		case paths <- r.URL.Path + " " + list[0].Labels["leak"]:
		default:
		}
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), paths
}

// receivers returns the addresses of the Alertmanagers.
func receivers(r *running) (urls []string) {
	for _, s := range r.notifier.Status() {
		urls = append(urls, s.URL)
	}
	return urls
}

// Alertmanagers from service discovery get the firing alerts, later ones too, at the path that
// relabelling sets.
func TestAlertmanagersThatAreFound(t *testing.T) {
	one, gotOne := fakeAlertmanager(t)
	two, gotTwo := fakeAlertmanager(t)
	static, gotStatic := fakeAlertmanager(t)
	dir := t.TempDir()
	found := filepath.Join(dir, "alertmanagers.json")
	list := func(hosts ...string) {
		b, err := json.Marshal([]any{map[string]any{"targets": hosts, "labels": map[string]string{"tenant": "a"}}})
		require.NoError(t, err)
		write(t, found, string(b))
	}
	list(one)

	bucket, err := archive.Open(t.Context(), "file://"+dir+"/bucket", archive.Options{GroupBy: []string{"job"}, Decode: func(context.Context, io.Reader, time.Time) (*collector.Profile, error) { return nil, nil }})
	require.NoError(t, err)
	since := time.Now().Add(-time.Hour)
	require.NoError(t, bucket.SaveLeak(t.Context(), leak.Leak{
		ID: "abc123", Service: labels.FromStrings("namespace", "prod", "job", "shop"), State: leak.Firing, Evidence: leak.Growth,
		Onset: since, DetectedAt: since, UpdatedAt: since, Leaked: 100, Instances: []string{"127.0.0.1:1"}, InstancesTotal: 1,
	}))
	require.NoError(t, bucket.Close())

	file := write(t, filepath.Join(dir, "gorowatch.yml"), yaml(newPrometheus(t).URL, `
storage: {url: 'file://`+dir+`/bucket'}
alerting:
  resend_interval: 100ms
  alertmanagers:
    - file_sd_configs: [{files: [alertmanagers.json], refresh_interval: 1s}]
      static_configs: [{targets: ['`+static+`', 'nobody:1'], labels: {tenant: b}}]
      path_prefix: /$am
      relabel_configs:
        - {source_labels: [__address__], regex: 'nobody.*', action: drop}
        - {source_labels: [tenant], regex: (.+), target_label: __alerts_path__, replacement: '/$1/api/v2/alerts'}
`))
	r := start(t, Options{ConfigFile: file})
	wait := func(from chan string, want string) {
		t.Helper()
		select {
		case got := <-from:
			require.Equal(t, want, got)
		case <-time.After(patience):
			t.Fatalf("no alert\n%s", r.log)
		}
	}
	wait(gotStatic, "/b/api/v2/alerts abc123")
	wait(gotOne, "/a/api/v2/alerts abc123")
	require.ElementsMatch(t, []string{"http://" + static + "/b", "http://" + one + "/a"}, receivers(r))

	list(two)
	wait(gotTwo, "/a/api/v2/alerts abc123")
	require.ElementsMatch(t, []string{"http://" + static + "/b", "http://" + two + "/a"}, receivers(r))
	require.NoError(t, r.Reload(t.Context()))
	require.ElementsMatch(t, []string{"http://" + static + "/b", "http://" + two + "/a"}, receivers(r), "a reload keeps them")
	require.NoError(t, r.stop())
}

func TestAddressOfAnAlertmanager(t *testing.T) {
	for prefix, want := range map[string]string{"": "/api/v2/alerts", "/": "/api/v2/alerts", "/am": "/am/api/v2/alerts", "/am/": "/am/api/v2/alerts"} {
		s := alertmanagerSet{config: config.Alertmanager{PathPrefix: prefix, Scheme: "https"}}
		require.Equal(t, want, s.path(), prefix)
	}
	for _, bad := range []string{"http://am/api/v1/alerts", "ftp://am/api/v2/alerts", "http:///api/v2/alerts", "http://am"} {
		u, err := url.Parse(bad)
		require.NoError(t, err)
		_, err = base(u)
		require.ErrorContains(t, err, "is no address of an Alertmanager after relabelling", bad)
	}
}
