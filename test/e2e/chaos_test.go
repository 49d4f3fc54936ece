package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"
)

// store is an object store that speaks S3's protocol and can be down. It is not
// S3, and runs in the test.
type store struct {
	URL  string
	down atomic.Bool
}

func startStore(t testing.TB) *store {
	t.Helper()
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("leaks"))
	fake := gofakes3.New(backend).Server()
	s := &store{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.down.Load() {
			http.Error(w, "<Error><Code>ServiceUnavailable</Code></Error>", http.StatusServiceUnavailable)
			return
		}
		fake.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.URL = "s3://leaks?anonymous=true&region=eu-central-1&use_path_style=true&endpoint=" + server.URL
	return s
}

// maxMemory bounds the memory of gorowatch, however long anything is away.
const maxMemory = 300 << 20

// Alertmanager, Prometheus and the bucket are away in random order, while leaks begin and end.
// Each leads to exactly one notification, none is lost, none resolves too early, and memory
// stays bounded.
func TestOutagesInRandomOrder(t *testing.T) {
	t.Parallel()
	outage, between, rate := 6*time.Second, 3*time.Second, 20
	if long := away(t); long > 0 {
		outage, between, rate = long, time.Minute, 2
	}
	built(t, buildGorowatch, "gorowatch")
	names := []string{"stays", "ends-1", "ends-2", "ends-3", "begins-1", "begins-2", "begins-3", "healthy"}
	taps := map[string]*Faucet{}
	var jobs []Job
	for _, name := range names {
		taps[name] = StartFaucet(t, name)
		jobs = append(jobs, taps[name].Job())
	}
	receiver := StartReceiver(t)
	alertmanager := StartAlertmanager(t, receiver)
	prometheus := StartPrometheusEvery(t, blink, jobs...)
	bucket := startStore(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "gorowatch.yml"), hurried(prometheus.URL, alertmanager.Address))
	p := Start(t, "gorowatch", built(t, buildGorowatch, "gorowatch"), "serve", "--config.file="+filepath.Join(dir, "gorowatch.yml"),
		"--web.listen-address=127.0.0.1:0", "--storage.url="+bucket.URL)
	gorowatch := &Gorowatch{Program: p, URL: "http://" + p.WaitFor(t, listening)[1]}
	gorowatch.WaitReady(t)

	want := map[string]string{}
	for _, name := range names {
		want[name] = "silent"
	}
	all := func() error {
		for _, name := range names {
			if err := notifications(receiver, taps[name], want[name]); err != nil {
				return err
			}
		}
		return nil
	}
	seenWithoutLeak(t, gorowatch, len(names))
	for _, name := range names[:4] {
		taps[name].Open(t, rate)
		want[name] = "firing"
	}
	Eventually(t, untilAlerts, "notifications of the first leaks", all)

	prom, am := prometheus.Program, alertmanager.Program
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	order := random.Perm(3)
	t.Logf("seed %d", seed)
	began := time.Now()
	for i, which := range order {
		outageOf := func() {
			time.Sleep(outage / 3)
			begins, ends := names[4+i], names[1+i]
			taps[begins].Open(t, rate)
			want[begins] = "firing"
			time.Sleep(outage / 3)
			taps[ends].Drain(t)
			want[ends] = "firing, resolved"
			time.Sleep(outage / 3)
		}
		var what string
		switch which {
		case 0:
			what = "Alertmanager"
			am = restart(t, am, outageOf, "http://"+alertmanager.Address+"/-/ready")
		case 1:
			what = "Prometheus"
			prom = restart(t, prom, outageOf, prometheus.URL+"/-/ready")
		case 2:
			what = "bucket"
			bucket.down.Store(true)
			outageOf()
			Eventually(t, startTime, "the failing bucket shows", func() error {
				if up := gorowatch.Metric(t, "gorowatch_archive_up"); up != 0 {
					return fmt.Errorf("gorowatch_archive_up is %g", up)
				}
				return nil
			})
			bucket.down.Store(false)
		}
		t.Logf("%s was away for %s, %.0f MiB", what, outage, gorowatch.Metric(t, "process_resident_memory_bytes")/(1<<20))
		time.Sleep(between)
		_ = gorowatch.alive(t)
	}
	Eventually(t, untilAlerts, "one notification of each beginning and end", all)
	t.Logf("all notifications arrived %s after the first outage began", time.Since(began).Round(time.Second))
	time.Sleep(between) // and nothing more
	require.NoError(t, all())
	require.Less(t, gorowatch.Metric(t, "process_resident_memory_bytes"), float64(maxMemory))
	require.Zero(t, gorowatch.Metric(t, "gorowatch_alerting_dropped_total"))
	_ = prom.alive(t)
	_ = am.alive(t)
}
