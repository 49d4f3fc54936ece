package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Scenario is a running program of test/scenarios.
type Scenario struct {
	*Program
	Address string // host:port
}

// bound matches a scenario's line with its address.
var bound = regexp.MustCompile(`(?m)^listening on (\S+)$`)

// StartScenario runs a program of test/scenarios on addr; an empty one takes a
// free port.
func StartScenario(t testing.TB, name, addr string, flags ...string) *Scenario {
	t.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	path := built(t, buildScenarios, name)
	p := Start(t, name+" "+strings.Join(flags, " "), path, append([]string{"--listen=" + addr}, flags...)...)
	return &Scenario{Program: p, Address: p.WaitFor(t, bound)[1]}
}

// LeakingLine returns where a scenario leaks, as file:line: the one line of its source that
// ends with "// LEAK".
func LeakingLine(t testing.TB, name string) string {
	t.Helper()
	const file = "main.go"
	source, err := os.ReadFile(filepath.Join(repository(), "test", "scenarios", name, file))
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	for i, line := range strings.Split(string(source), "\n") {
		if strings.HasSuffix(line, "// LEAK") {
			if found != "" {
				t.Fatalf("%s leaks at %s and at line %d, want one line", name, found, i+1)
			}
			found = fmt.Sprintf("%s:%d", file, i+1)
		}
	}
	if found == "" {
		t.Fatalf("%s does not say where it leaks", name)
	}
	return found
}
