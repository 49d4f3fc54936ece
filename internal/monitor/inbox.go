package monitor

import (
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
)

// result is what work beside the cycle found. The cycle applies it, so that only
// one goroutine changes services.
type result interface {
	// apply changes what the monitor knows. The caller holds mtx.
	apply(m *Monitor)
}

// inbox collects results until the next cycle applies them, in the order of their
// arrival.
type inbox struct {
	mtx     sync.Mutex
	results []result
}

// put adds a result.
func (i *inbox) put(r result) {
	i.mtx.Lock()
	defer i.mtx.Unlock()
	i.results = append(i.results, r)
}

// drain returns the results and empties the inbox.
func (i *inbox) drain() []result {
	i.mtx.Lock()
	defer i.mtx.Unlock()
	results := i.results
	i.results = nil
	return results
}

// applyResults applies what arrived since the last call. The caller holds mtx.
func (m *Monitor) applyResults() {
	for _, r := range m.inbox.drain() {
		r.apply(m)
	}
}

// pullResult is the outcome of a pull of a service.
type pullResult struct {
	service *watch.Service
	pull    profiling.PullResult
}

func (r pullResult) apply(*Monitor) { r.service.AddPull(r.pull) }

// proofResult is the outcome of a pull that may prove a leak of a service.
type proofResult struct {
	service *watch.Service
	proof   profiling.ProofResult
}

func (r proofResult) apply(m *Monitor) {
	r.service.AddFindings(m.planner().ApplyProof(r.proof))
}

// memoryResult is the memory of the instances of a service, or the reason for
// none.
type memoryResult struct {
	service *watch.Service
	memory  []collector.Memory
	err     error
}

func (r memoryResult) apply(*Monitor) { r.service.AddMemory(r.memory, r.err) }

// versionResult is the versions of processes.
type versionResult struct{ versions []processVersion }

// processVersion is the version of one process of an instance.
type processVersion struct {
	question fleet.VersionQuestion
	version  string
}

func (r versionResult) apply(*Monitor) {
	for _, v := range r.versions {
		v.question.Answer(v.version)
	}
}

// presenceResult is which instances of leaks are still there.
type presenceResult struct {
	at      time.Time
	answers []presenceAnswer
}

// presenceAnswer is the presence of one instance.
type presenceAnswer struct {
	question fleet.PresenceQuestion
	state    collector.Presence
}

func (r presenceResult) apply(*Monitor) {
	for _, a := range r.answers {
		a.question.Answer(r.at, a.state)
	}
}

// restoreResult is the leaks and captures of earlier runs that the archive has;
// with an error, the leaks that could be read.
type restoreResult struct {
	leaks    []leak.Leak
	err      error
	captures []leak.Capture
}

func (r restoreResult) apply(m *Monitor) {
	m.restore(r.leaks, r.err)
	m.captures.Restore(r.captures, m.o.Owns)
}
