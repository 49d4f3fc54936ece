package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Profiles that the real client pyroscope-go pushes, and a client of the Connect protocol like
// that of Grafana Alloy, name the leaking line. The programs serve no profiles where gorowatch
// looks for them, so it only has the pushed ones. A third one leaks in the same way and is
// pulled, for comparison.
//
// Alloy itself is not part of the test, because it is no Go module that could be built here.
// The second program makes its request: the same procedure, message and labels, sent by the
// same library.
func TestPushedProfilesNameTheLine(t *testing.T) {
	t.Parallel()
	built(t, buildGorowatch, "gorowatch")
	built(t, buildScenarios, "faucet")
	const hidden = "--pprof.path=/hidden/"
	clients := []string{"pyroscope-go", "connect", "pulled"}
	faucets := map[string]*Faucet{}
	var jobs []Job
	for _, client := range clients {
		f := &Faucet{Service: service("taps", client)}
		if client == "pulled" {
			f.Scenario = StartScenario(t, "faucet", "")
		} else {
			f.Scenario = StartScenario(t, "faucet", "", hidden)
		}
		faucets[client] = f
		jobs = append(jobs, f.Job())
	}
	prometheus := StartPrometheus(t, jobs...)
	gorowatch := StartGorowatch(t, t.TempDir(), fmt.Sprintf(`
global: {evaluation_interval: 1s}
prometheus: {url: %s, load: 'rate(process_cpu_seconds_total[15s])'}
trend: {base: 1s}
profiles:
  baseline_interval: 10s
  suspicion_interval: 2s
  push: {enabled: true}
`, prometheus.URL))
	gorowatch.WaitReady(t)
	for _, client := range clients[:2] {
		f := faucets[client]
		q := url.Values{"url": {gorowatch.URL}, "via": {client}, "every": {"1s"}, "instance": {f.Address}}
		for name, value := range f.Service {
			q.Set(name, value)
		}
		f.post(t, "/push?"+q.Encode())
	}
	Eventually(t, startTime, "both push, and are shown to", func() error {
		pushing := 0
		for _, target := range gorowatch.Targets(t) {
			if target.LastPush != "" && target.State == "up" {
				pushing++
			}
		}
		if pushing != 2 {
			return fmt.Errorf("%d push: %+v", pushing, gorowatch.Targets(t))
		}
		return nil
	})
	Eventually(t, startTime, "baselines are used", func() error {
		if n := gorowatch.Metric(t, `gorowatch_push_profiles_total{result="used"}`); n < 4 {
			return fmt.Errorf("%v profiles are used", n)
		}
		return nil
	})
	// Until Prometheus had scraped them they were unknown.
	dropped := func(reason string) float64 {
		return gorowatch.Metric(t, `gorowatch_push_dropped_total{reason="`+reason+`"}`)
	}
	unknown := dropped("unknown_instance")
	time.Sleep(20 * time.Second) // of health
	opened := time.Now()
	for _, client := range clients {
		faucets[client].Open(t, 5)
	}

	type found struct {
		State, Evidence string
		Service         map[string]string
		DetectedAt      time.Time `json:"detected_at"`
		Stacks          []struct{ Frames []string }
	}
	leaks := map[string]found{}
	Eventually(t, untilAlerts, "all three fire, with their line", func() error {
		var answer struct{ Data struct{ Leaks []found } }
		getJSON(t, gorowatch.URL+"/api/v1/leaks", &answer)
		for _, l := range answer.Data.Leaks {
			if l.State == "firing" && len(l.Stacks) > 0 {
				leaks[l.Service["job"]] = l
			}
		}
		if len(leaks) < len(clients) {
			return fmt.Errorf("%d fire: %+v", len(leaks), answer.Data.Leaks)
		}
		return nil
	})
	for _, client := range clients {
		l := leaks[client]
		require.Contains(t, strings.Join(l.Stacks[0].Frames, "\n"), LeakingLine(t, "faucet"))
		t.Logf("%s: %v after the leak began, evidence %s", client, l.DetectedAt.Sub(opened).Round(time.Second), l.Evidence)
	}
	require.Positive(t, dropped("other_kind"), "CPU and memory are sent too")
	require.Equal(t, unknown, dropped("unknown_instance"))
	for _, reason := range []string{"bad_request", "bad_labels", "bad_profile", "content_type", "rate", "busy"} {
		require.Zero(t, dropped(reason), reason)
	}
}
