package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

// Faucet is a service that leaks only on request.
type Faucet struct {
	*Scenario
	Service map[string]string // its labels
}

// StartFaucet runs one that is closed.
func StartFaucet(t testing.TB, name string) *Faucet {
	t.Helper()
	return &Faucet{Scenario: StartScenario(t, "faucet", ""), Service: service("taps", name)}
}

// Job returns the scrape configuration for it.
func (f *Faucet) Job() Job {
	return job(f.Service["namespace"], f.Service["job"], f.Address)
}

// Open makes it leak a number of goroutines a second.
func (f *Faucet) Open(t testing.TB, rate int) { f.post(t, fmt.Sprintf("/open?rate=%d", rate)) }

// Drain ends the leak and all its goroutines.
func (f *Faucet) Drain(t testing.TB) { f.post(t, "/drain") }

func (f *Faucet) post(t testing.TB, path string) {
	t.Helper()
	Eventually(t, startTime, path, func() error {
		return request(t.Context(), http.MethodPost, "http://"+f.Address+path, nil)
	})
}
