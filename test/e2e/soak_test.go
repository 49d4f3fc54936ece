package e2e

import (
	"os"
	"testing"
	"time"
)

// away returns how long each server is away in the long form of the tests (make
// soak); 0 in the short one.
func away(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv("GOROWATCH_SOAK")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("GOROWATCH_SOAK=%s: expected how long servers are away, e.g. 10m", text)
	}
	return d
}

// restart ends a server, runs down, and starts it again on the same address with its files.
func restart(t testing.TB, p *Program, down func(), ready string) *Program {
	t.Helper()
	p.Stop(t)
	down()
	again := Start(t, p.name, p.cmd.Path, p.cmd.Args[1:]...)
	Eventually(t, startTime, p.name+" is back", func() error { return answers(ready) })
	return again
}
