package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// skip skips a test on a developer's machine, and fails it in CI.
func skip(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skipf("SKIPPED, the museum cannot be built here: %v", err)
}

// The subset of the museum that runs with every change: four leaks of four kinds, one of which
// a later release has fixed, their twins, and four healthy programs, at 30 times the speed of
// life. gorowatch has to find each leak by its function, and must not alert on the others.
func TestSubset(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	if _, err := prometheus(); err != nil {
		skip(t, err)
	}
	m := cases(t)
	subset := []string{"sse", "sqlrows", "nodeadline", "cond", "workerpool", "overlap", "failover", "proxy"}
	if err := m.choose(subset); err != nil {
		t.Fatal(err)
	}
	o := Options{root: repository(), cache: t.TempDir(), life: 100 * time.Minute, speed: 30, twins: true}
	if _, err := build(museum, o.cache, m); err != nil {
		skip(t, err)
	}
	e, err := run(t.Context(), o, m)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.of("leak")) != 4 || len(e.of("twin")) != 4 || len(e.of("healthy")) != 5 {
		t.Fatalf("%d findings: %d leaks, %d twins, %d healthy", len(e.Findings), len(e.of("leak")), len(e.of("twin")), len(e.of("healthy")))
	}
	for _, fault := range faults(e) {
		t.Error(fault)
	}
	for _, f := range e.of("leak") {
		t.Logf("%s: found after %.0f minutes, %s", f.Name, f.Minutes, progress(f))
	}
}

// faults returns what must not be in the evidence: a leak that was not found or not named, and
// an alert on a program that does not leak.
func faults(e *Evidence) (faults []string) {
	for _, f := range e.Findings {
		switch {
		case f.Kind == "leak" && !f.Alerted:
			faults = append(faults, fmt.Sprintf("%s leaks, and was not found in %s: %s", f.Name, e.Life, f.Verdict))
		case f.Kind == "leak" && !f.FunctionNamed:
			faults = append(faults, fmt.Sprintf("%s: the alert does not name %s: %s", f.Name, f.Function, f.Alerts[0].Annotations["description"]))
		case f.Kind != "leak" && f.Alerted:
			faults = append(faults, fmt.Sprintf("%s (%s) does not leak, and was alerted after %.0f minutes: %s", f.Name, f.Kind, f.Minutes, f.Alerts[0].Annotations["summary"]))
		}
	}
	return faults
}

// An alert is matched with the truth, and each mistake is a fault.
func TestFaults(t *testing.T) {
	began := time.Now()
	shown := func(kind string) Shown {
		return Shown{Case: Case{Name: "shop", Function: "main.(*shop).quote.func1", Caller: "main.(*shop).quote"}, Kind: kind, At: began}
	}
	find := func(kind, summary string) Finding {
		s := shown(kind)
		f := Finding{Case: s.Case, Kind: kind}
		if summary != "" {
			said := map[string]string{"summary": summary, "evidence": "aged: they stay", "description": "x\nUsually: buy less.\n"}
			f.Alerts = []Alert{{At: began.Add(time.Minute), First: map[string]string{"evidence": "growth: counts alone"}, Annotations: said}}
			f.judge(s, 30)
		}
		return f
	}
	for _, c := range []struct {
		finding Finding
		want    string
	}{
		{find("leak", "leaks in main.(*shop).quote.func1 (main.go:1)"), ""},
		{find("leak", "leaks in main.(*shop).open (main.go:1)"), "does not name"},
		{find("leak", ""), "was not found"},
		{find("twin", "leaks in main.(*shop).quote.func1 (main.go:1)"), "does not leak"},
		{find("healthy", "leaks in main.main"), "does not leak"},
		{find("twin", ""), ""},
		{find("healthy", ""), ""},
	} {
		got := strings.Join(faults(&Evidence{Findings: []Finding{c.finding}}), "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s, %+v: %q, want %q", c.finding.Kind, c.finding.Alerts, got, c.want)
		}
	}
	f := find("leak", "leaks in main.(*shop).quote.func1 (main.go:1)")
	if !f.FunctionFirst || !f.CallerNamed || f.Minutes != 30 || progress(f) != "growth → aged" || f.HintText != "buy less." {
		t.Errorf("%+v", f)
	}
}

// Alerts are stored by alert, not by message.
func TestAlertmanager(t *testing.T) {
	a, err := newAlertmanager()
	if err != nil {
		t.Fatal(err)
	}
	defer a.server.Close()
	for _, ends := range []string{"2999-01-01T00:00:00Z", "2001-01-01T00:00:00Z"} {
		body := `[{"labels":{"job":"shop","leak":"1"},"annotations":{"summary":"` + ends + `"},"endsAt":"` + ends + `"}]`
		resp, err := client.Post("http://"+a.addr()+"/api/v2/alerts", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	alerts := a.of("shop")
	if len(alerts) != 1 || !alerts[0].Resolved || alerts[0].First["summary"] == alerts[0].Annotations["summary"] {
		t.Errorf("%+v", alerts)
	}
}

// cases.yaml is right about the subset's programs.
func TestVerifySubset(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	m := cases(t)
	if err := m.choose([]string{"sse", "goset", "lockholder", "cond"}); err != nil {
		t.Fatal(err)
	}
	b, err := build(museum, t.TempDir(), m)
	if err != nil {
		skip(t, err)
	}
	var log testWriter = t.Log
	if err := verify(log, b, m, 30, 10*time.Second); err != nil {
		t.Error(err)
	}
}

// testWriter writes to a test's log.
type testWriter func(...any)

func (w testWriter) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}

var _ io.Writer = testWriter(nil)
