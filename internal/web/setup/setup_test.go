package setup

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector/signals"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// states returns those of the checks, by name.
func states(checks []Check) map[string]State {
	out := map[string]State{}
	for _, c := range checks {
		out[c.Name] = c.State
	}
	return out
}

// TestRun: what works, what is pending and what fails, the latter with its fix.
func TestRun(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	series := func(change func(*view.Series)) view.Status {
		s := view.Status{Series: &view.Series{Source: "http://prometheus", History: time.Hour, Done: 1, Read: now, Uses: []signals.Use{
			{Signal: "goroutines", Name: "go_goroutines", Instances: 3}, {Signal: "load", Name: "process_cpu_seconds_total", Instances: 3},
			{Signal: "start_time", Name: "process_start_time_seconds", Instances: 3},
		}}, Storage: &view.Storage{URL: "file:///data"}, Alertmanagers: []alerting.ReceiverStatus{{URL: "http://am", State: alerting.Working, LastSuccess: now}}}
		change(s.Series)
		return s
	}
	up := []view.Target{{State: view.TargetUp}}
	for name, c := range map[string]struct {
		status  view.Status
		targets []view.Target
		check   string
		want    State
	}{
		"prometheus answers":      {series(func(*view.Series) {}), up, "Series are read", OK},
		"prometheus is down":      {series(func(s *view.Series) { s.Error = "connection refused" }), up, "Series are read", Failed},
		"it has not answered yet": {series(func(s *view.Series) { s.Read = time.Time{} }), up, "Series are read", Waiting},
		"history is read":         {series(func(s *view.Series) { s.Done = .4 }), up, "History is read", Waiting},
		"no goroutines":           {series(func(s *view.Series) { s.Uses = nil }), up, "Goroutines are found", Failed},
		"no load":                 {series(func(s *view.Series) { s.Uses = s.Uses[:1] }), up, "Load is found", Optional},
		"targets answer":          {series(func(*view.Series) {}), up, "Profiles are pulled", OK},
		"no targets":              {series(func(*view.Series) {}), nil, "Profiles are pulled", Failed},
		"some are down":           {series(func(*view.Series) {}), append(up, view.Target{State: view.TargetDown, Error: "404"}), "Profiles are pulled", Optional},
		"all are down":            {series(func(*view.Series) {}), []view.Target{{State: view.TargetDown, Error: "404"}}, "Profiles are pulled", Failed},
		"not pulled yet":          {series(func(*view.Series) {}), []view.Target{{State: view.TargetUnknown}}, "Profiles are pulled", Waiting},
		"alerts are sent":         {series(func(*view.Series) {}), up, "Alerts are sent", OK},
		"the bucket is written":   {series(func(*view.Series) {}), up, "The bucket is written", OK},
	} {
		t.Run(name, func(t *testing.T) {
			checks := Run(c.status, c.targets)
			require.Equal(t, c.want, states(checks)[c.check], checks)
			for _, x := range checks {
				require.Equal(t, x.State == Failed || x.State == Optional, x.Fix != "", "%+v", x)
			}
		})
	}
	named := series(func(s *view.Series) { s.Uses, s.Names = nil, []string{"go_goroutines", "app_goroutines"} })
	require.Equal(t, "no series has any of the names that are looked for: go_goroutines, app_goroutines", Run(named, up)[2].Found)

	failing := series(func(*view.Series) {})
	failing.Alertmanagers[0].State, failing.Alertmanagers[0].LastError = alerting.Failing, "connection refused"
	failing.Storage.Error = "disk full"
	failing.Discovery = &view.Discovery{Problems: []string{"Kubernetes does not let gorowatch list pods"}}
	got := states(Run(failing, up))
	for _, check := range []string{"Alerts are sent", "The bucket is written", "Service discovery"} {
		require.Equal(t, Failed, got[check], check)
	}
	failing.Alertmanagers, failing.Storage = nil, &view.Storage{URL: "memory"}
	got = states(Run(failing, up))
	require.Equal(t, Optional, got["Alerts are sent"])
	require.Equal(t, Optional, got["The bucket is written"])
}
