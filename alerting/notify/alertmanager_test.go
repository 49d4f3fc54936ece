package notify_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/notify"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/test/e2e"
	"github.com/gorowatch/gorowatch/trend"
)

// patience bounds how long a test waits for something that must happen.
const patience = 2 * time.Minute

// startAlertmanager runs an Alertmanager that notifies hook at once.
func startAlertmanager(t *testing.T, hook string) *url.URL {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
route: {receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: hook, webhook_configs: [{url: %q, send_resolved: true}]}]
`, hook), 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, e2e.Tool(t, "alertmanager", "alertmanager"), "--config.file="+config, "--storage.path="+dir, "--web.listen-address=127.0.0.1:0",
		"--web.route-prefix=/prefix", "--cluster.listen-address=")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())

	listening := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		re := regexp.MustCompile(`Listening on.* address=(\S+)`)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if m := re.FindStringSubmatch(lines.Text()); m != nil {
				listening <- m[1]
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-read
		_ = cmd.Wait()
	})
	select {
	case address := <-listening:
		return &url.URL{Scheme: "http", Host: address, Path: "/prefix"}
	case <-read:
		t.Fatal("Alertmanager ended")
	case <-time.After(patience):
		t.Fatal("Alertmanager does not listen")
	}
	return nil
}

// webhook is a receiver behind Alertmanager.
type webhook struct {
	mu  sync.Mutex
	got []received
}

type received struct {
	Status      string
	Labels      map[string]string
	Annotations map[string]string
	EndsAt      time.Time
}

func (h *webhook) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var body struct{ Alerts []received }
	if json.NewDecoder(r.Body).Decode(&body) == nil {
		h.mu.Lock()
		h.got = append(h.got, body.Alerts...)
		h.mu.Unlock()
	}
}

// of returns the alerts that arrived for a leak.
func (h *webhook) of(id string) (all []received) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.got {
		if a.Labels["leak"] == id {
			all = append(all, a)
		}
	}
	return all
}

// TestRealAlertmanager: a real Alertmanager accepts the alerts, notifies once without changing
// them, and sends the resolution.
func TestRealAlertmanager(t *testing.T) {
	var hook webhook
	srv := httptest.NewServer(&hook)
	defer srv.Close()
	am := startAlertmanager(t, srv.URL)

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	external := &url.URL{Scheme: "https", Host: "gorowatch.example.com"}
	options := alerting.RenderOptions{ExternalURL: external, ExternalLabels: labels.FromStrings("cluster", "eu-1")}
	reg := prometheus.NewRegistry()
	n, err := notify.New(t.Context(), notify.Options{Registerer: reg, Config: notify.Config{
		Alertmanagers: []alerting.Alertmanager{{URL: am, Client: client}}, Render: options, ResendInterval: 30 * time.Second,
	}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	defer func() {
		cancel()
		require.NoError(t, <-done)
	}()

	now := time.Now()
	bad := "<b>\u202e\x00\n\xff{{ .Labels }} \"é世界\\ " + strings.Repeat("x", 3000)
	f := collector.Frame{Func: "main.handle[" + bad + "]", File: "/src/" + bad, Line: 7}
	hostile := leak.Leak{
		ID: "hostile", Service: labels.FromStrings("namespace", bad, "job", "a.b/c d", "utf8.name é", "x"), State: leak.Firing, Evidence: leak.Stack, Missing: bad,
		Onset: now.Add(-time.Hour), DetectedAt: now, UpdatedAt: now, Version: bad, Rate: trend.Interval{Value: 212, Low: 190, High: 240}, Leaked: 1904, Share: .9,
		Instances: []string{bad}, InstancesTotal: 3, Stacks: []leak.StackGrowth{{Op: bad, Frames: []collector.Frame{f}, Key: f, CreatedBy: f, Base: 1, Head: 2000, Share: .9}},
		Base: &leak.ProfileRef{Key: "profiles/a%2Fb/1.pb.gz"}, Head: &leak.ProfileRef{Key: "profiles/" + bad + ".pb.gz"},
	}
	leaks := []leak.Leak{hostile}
	const many = 500
	for i := range many {
		l := hostile
		l.ID, l.Service = fmt.Sprintf("leak-%03d", i), labels.FromStrings("namespace", "prod", "job", fmt.Sprintf("job-%d", i))
		leaks = append(leaks, l)
	}
	begin := time.Now()
	n.Update(leaks, now)
	updated := time.Since(begin)
	require.Eventually(t, func() bool { return n.Status()[0].Sent >= many+1 }, patience, 5*time.Millisecond)
	t.Logf("%d leaks: %s to render and queue, %s until all were taken", len(leaks), updated, time.Since(begin))
	require.Zero(t, n.Status()[0].Dropped)

	// Alertmanager shows the alert as it was sent.
	resp, err := client.Get(am.JoinPath("api/v2/alerts").String())
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	var shown []struct {
		Labels, Annotations map[string]string
		GeneratorURL        string
		StartsAt            time.Time
		Status              struct{ State string }
	}
	require.NoError(t, json.Unmarshal(body, &shown), string(body))
	require.Len(t, shown, many+1)
	byID := make(map[string]int)
	for i, s := range shown {
		byID[s.Labels["leak"]] = i
	}
	for _, l := range leaks {
		want := alerting.Render(l, alerting.Warning, options)
		got := shown[byID[l.ID]]
		require.Equal(t, want.Labels.Map(), got.Labels)
		require.Equal(t, want.Annotations, got.Annotations)
		require.Equal(t, want.GeneratorURL, got.GeneratorURL)
		require.Equal(t, "active", got.Status.State)
		require.WithinDuration(t, now, got.StartsAt, time.Millisecond)
	}

	require.Eventually(t, func() bool { return len(hook.of("hostile")) == 1 }, patience, 10*time.Millisecond)
	received := hook.of("hostile")[0]
	require.Equal(t, "firing", received.Status)
	require.Equal(t, alerting.Render(hostile, alerting.Warning, options).Annotations, received.Annotations)
	require.True(t, strings.HasPrefix(strings.Split(received.Annotations["stack_diff"], "\n")[1], "  main.handle[...] "), received.Annotations["stack_diff"])

	over := hostile
	over.State, over.ResolvedAt, over.Resolution = leak.Resolved, now, "restarted"
	n.Update([]leak.Leak{over}, now.Add(time.Second))
	require.Eventually(t, func() bool { return len(hook.of("hostile")) == 2 }, patience, 10*time.Millisecond)
	require.Equal(t, "resolved", hook.of("hostile")[1].Status)
	n.Update([]leak.Leak{over}, now.Add(40*time.Second))
	require.Eventually(t, func() bool { return n.Status()[0].Queued == 0 }, patience, 10*time.Millisecond)
	require.Len(t, hook.of("hostile"), 2, "its resolution arrives once")
}
