package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hurried returns a configuration that watches as often as possible: a second stands for some
// minutes.
func hurried(prometheus, alertmanager string) string {
	return fmt.Sprintf(`
global: {evaluation_interval: %[1]s}
prometheus: {url: %[2]s, load: "rate(process_cpu_seconds_total[4s])"}
trend: {base: %[1]s}
profiles: {baseline_interval: 5s, suspicion_interval: 500ms}
alerting:
  resend_interval: 15s
  alertmanagers: [{static_configs: [{targets: [%[3]q]}]}]
`, blink, prometheus, alertmanager)
}

// blink is the interval of scrapes and evaluations.
const blink = 250 * time.Millisecond

// seenWithoutLeak waits until gorowatch has watched n healthy services for some seconds, by
// their counts and by a profile.
func seenWithoutLeak(t *testing.T, g *Gorowatch, n int) {
	t.Helper()
	const scrapes = 20
	Eventually(t, startTime, "it is seen how they are without a leak", func() error {
		samples, pulls := g.Metric(t, "gorowatch_samples_total"), g.Metric(t, `gorowatch_profile_pulls_total{result="ok"}`)
		if samples < float64(scrapes*n) || pulls < float64(n) {
			return fmt.Errorf("%g samples, %g profiles", samples, pulls)
		}
		return nil
	})
}

// notifications checks the notifications about a faucet's leak: "firing", or "firing, resolved", each
// once and under one id.
func notifications(r *Receiver, f *Faucet, want string) error {
	alerts := r.Alerts(f.Service)
	if len(alerts) == 0 {
		if want == "silent" {
			return nil
		}
		return fmt.Errorf("%s: silent, want %s", f.Service["job"], want)
	}
	id := alerts[0].Labels["leak"]
	exact := strings.ReplaceAll(strings.ReplaceAll(want, "firing", "firing "+id), "resolved", "resolved "+id)
	if got := History(alerts); got != exact {
		return fmt.Errorf("%s: %s, want %s", f.Service["job"], got, exact)
	}
	for _, a := range alerts {
		if !a.StartsAt.Equal(alerts[0].StartsAt) {
			return fmt.Errorf("%s: starts at %s, and at %s before", f.Service["job"], a.StartsAt, alerts[0].StartsAt)
		}
	}
	return nil
}

// Gorowatch is killed again and again, at random points of its cycle and of its start.
// Alertmanager sees each alert begin once and continue, under the same id. A leak that ends
// meanwhile resolves, one that begins fires, a healthy service has no alert.
func TestKillsAtRandomPoints(t *testing.T) {
	t.Parallel()
	kills := 25
	if away(t) > 0 {
		kills = 200
	}
	built(t, buildGorowatch, "gorowatch")
	old, ending, beginning, healthy := StartFaucet(t, "old"), StartFaucet(t, "ending"), StartFaucet(t, "beginning"), StartFaucet(t, "healthy")
	receiver := StartReceiver(t)
	alertmanager := StartAlertmanager(t, receiver)
	prometheus := StartPrometheusEvery(t, blink, old.Job(), ending.Job(), beginning.Job(), healthy.Job())
	dir, bucket := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "gorowatch.yml"), hurried(prometheus.URL, alertmanager.Address))
	start := func() *Program {
		return Start(t, "gorowatch", built(t, buildGorowatch, "gorowatch"), "serve", "--config.file="+filepath.Join(dir, "gorowatch.yml"),
			"--web.listen-address=127.0.0.1:0", "--storage.url=file://"+filepath.ToSlash(bucket))
	}
	gorowatch := start()
	began := time.Now()
	seenWithoutLeak(t, &Gorowatch{Program: gorowatch, URL: "http://" + gorowatch.WaitFor(t, listening)[1]}, 4)
	old.Open(t, 20)
	ending.Open(t, 20)
	Eventually(t, untilAlerts, "notifications of both leaks", func() error {
		_ = gorowatch.alive(t)
		if err := notifications(receiver, old, "firing"); err != nil {
			return err
		}
		return notifications(receiver, ending, "firing")
	})
	t.Logf("notified after %s", time.Since(began).Round(time.Second))

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	began = time.Now()
	started := time.Time{}
	for n := range kills {
		switch n {
		case kills / 4:
			beginning.Open(t, 20)
		case kills / 2:
			ending.Drain(t)
		}
		// Half of the kills come in the first moments, when everything is read again; the
		// others after it has sent the firing alerts, however long a start takes here.
		longest := 300 * time.Millisecond
		if n%2 == 0 {
			longest = 3 * time.Second
			Eventually(t, startTime, "what fires is sent", func() error {
				_ = gorowatch.alive(t)
				for _, a := range alertmanager.Alerts(t) {
					if a.Labels["job"] == old.Service["job"] && a.UpdatedAt.After(started) {
						return nil
					}
				}
				return errNotYet
			})
		}
		time.Sleep(time.Duration(random.Int64N(int64(longest))))
		_ = gorowatch.alive(t)
		gorowatch.Kill(t)
		started = time.Now()
		gorowatch = start()
		require.NoError(t, notifications(receiver, old, "firing"), "kill %d", n+1)
		require.NoError(t, notifications(receiver, healthy, "silent"), "kill %d", n+1)
	}
	t.Logf("%d kills in %s", kills, time.Since(began).Round(time.Second))
	gorowatch.WaitFor(t, listening) // otherwise SIGTERM may come before it can handle it

	began = time.Now()
	Eventually(t, untilAlerts, "notifications of each beginning and end", func() error {
		_ = gorowatch.alive(t)
		if err := notifications(receiver, beginning, "firing"); err != nil {
			return err
		}
		return notifications(receiver, ending, "firing, resolved")
	})
	t.Logf("all notifications arrived %s after the last kill", time.Since(began).Round(time.Second))
	require.NoError(t, notifications(receiver, old, "firing"))
	require.NoError(t, notifications(receiver, healthy, "silent"))
	require.Len(t, alertmanager.Alerts(t), 2)
	require.NoDirExists(t, filepath.Join(bucket, "aside"), "no document was broken")
	documents, err := os.ReadDir(filepath.Join(bucket, "leaks"))
	require.NoError(t, err)
	whole := 0
	for _, d := range documents {
		if strings.HasSuffix(d.Name(), ".json") {
			whole++
		}
	}
	require.Equal(t, 3, whole)
}
