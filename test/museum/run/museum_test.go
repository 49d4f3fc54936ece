package main

import (
	"io"
	"os"
	"testing"
	"time"
)

// skip leaves a test out on a developer's machine, and fails it in CI.
func skip(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skipf("SKIPPED, the museum cannot be built here: %v", err)
}

// The subset of the museum that is shown with every change: four leaks of four
// kinds, one of which a later release has mended, their twins, and four healthy
// programs, at 30 times the speed of life. gorowatch has to find each leak by its
// function, and must not speak of the others.
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
	for _, f := range e.Findings {
		switch {
		case f.Kind == "leak" && !f.Alerted:
			t.Errorf("%s leaks, and was not found in %s: %s", f.Name, e.Life, f.Verdict)
		case f.Kind == "leak" && !f.FunctionNamed:
			t.Errorf("%s: the alert does not name %s: %s", f.Name, f.Function, f.Alerts[0].Annotations["description"])
		case f.Kind == "leak":
			t.Logf("%s: found after %.0f minutes, %s", f.Name, f.Minutes, progress(f))
		case f.Alerted:
			t.Errorf("%s (%s) does not leak, and was alerted after %.0f minutes: %s", f.Name, f.Kind, f.Minutes, f.Alerts[0].Annotations["summary"])
		}
	}
}

// What cases.yaml says of the subset's programs is so.
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
