package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

// Faucet is a service that leaks when it is told to, and only then.
type Faucet struct {
	*Scenario
	Service map[string]string // its labels
}

// StartFaucet runs one that is closed.
func StartFaucet(t testing.TB, name string) *Faucet {
	t.Helper()
	return &Faucet{Scenario: StartScenario(t, "faucet", ""), Service: service("taps", name)}
}

// Job is what Prometheus scrapes of it.
func (f *Faucet) Job() Job {
	return job(f.Service["namespace"], f.Service["job"], f.Address)
}

// Open lets it leak so many goroutines a second.
func (f *Faucet) Open(t testing.TB, rate int) { f.post(t, fmt.Sprintf("/open?rate=%d", rate)) }

// Drain ends the leak, and all goroutines of it.
func (f *Faucet) Drain(t testing.TB) { f.post(t, "/drain") }

func (f *Faucet) post(t testing.TB, path string) {
	t.Helper()
	Eventually(t, startTime, path, func() error {
		return request(t.Context(), http.MethodPost, "http://"+f.Address+path, nil)
	})
}
