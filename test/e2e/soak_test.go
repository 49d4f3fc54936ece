package e2e

import (
	"os"
	"testing"
)

// short is the first in tests, the second in the long form (make soak).
func short[T any](s, long T) T {
	if os.Getenv("GOROWATCH_SOAK") != "" {
		return long
	}
	return s
}

// restart ends a server, waits for what is to happen while it is down, and runs
// it again on the same address with what it has on disk.
func restart(t testing.TB, p *Program, down func(), ready string) *Program {
	t.Helper()
	p.Stop(t)
	down()
	again := Start(t, p.name, p.cmd.Path, p.cmd.Args[1:]...)
	Eventually(t, startTime, p.name+" is back", func() error { return answers(ready) })
	return again
}
