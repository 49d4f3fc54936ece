package monitor

import (
	"sync"

	"github.com/gorowatch/gorowatch/internal/monitor/callers"
	"github.com/gorowatch/gorowatch/internal/monitor/enrich"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/leak"
)

// result is the outcome of work in the background. The cycle applies it, so that only one goroutine
// changes services.
type result interface {
	// apply changes the monitor's state. The caller holds mtx.
	apply(m *Monitor)
}

// inbox collects results until the next cycle applies them, in the order of their arrival.
type inbox struct {
	mtx     sync.Mutex
	results []result
	// urgent has one value when a result arrived that must not wait for the next cycle.
	urgent chan struct{}
}

// put adds a result.
func (i *inbox) put(r result, urgent bool) {
	i.mtx.Lock()
	defer i.mtx.Unlock()
	i.results = append(i.results, r)
	if urgent {
		select {
		case i.urgent <- struct{}{}:
		default: // there is one already
		}
	}
}

// drain returns the results and empties the inbox.
func (i *inbox) drain() []result {
	i.mtx.Lock()
	defer i.mtx.Unlock()
	results := i.results
	i.results = nil
	return results
}

// applyResults applies what arrived since the last call, and records the services with news.
// The caller holds mtx.
func (m *Monitor) applyResults() {
	clear(m.news)
	for _, r := range m.inbox.drain() {
		r.apply(m)
	}
}

// pullResult is the outcome of a pull of a service.
type pullResult struct {
	service *watch.Service
	pull    profiling.PullResult
}

func (r pullResult) apply(m *Monitor) {
	m.news[r.service] = true
	r.service.AddPull(r.pull)
	switch c, ok := r.pull.Count(); {
	case !ok:
	case c.Reason != "":
		m.totals.Fail(c.Instance, c.At, c.Reason, m.o.totals())
	default:
		m.totals.Observe(c.Instance, c.At, float64(c.Goroutines))
	}
}

// proofResult is the outcome of a pull that may prove a leak of a service.
type proofResult struct {
	service *watch.Service
	proof   profiling.ProofResult
}

func (r proofResult) apply(m *Monitor) {
	m.news[r.service] = true
	r.service.AddFindings(m.planner().ApplyProof(r.service.Profiles, r.proof))
}

// callersResult is the outcome of a search for the callers of a library.
type callersResult struct {
	service *watch.Service
	found   callers.Result
}

func (r callersResult) apply(*Monitor) { r.service.AddFindings(r.found.Apply()) }

// enrichResult is the answer of another system.
type enrichResult struct{ answer enrich.Answer }

func (r enrichResult) apply(*Monitor) { r.answer.Apply() }

// restoreResult has the leaks and captures of earlier runs; with an error, those that could be read.
type restoreResult struct {
	leaks    []leak.Leak
	err      error
	captures []ondemand.Capture
}

func (r restoreResult) apply(m *Monitor) {
	m.restore(r.leaks, r.err)
	m.captures.Restore(r.captures, m.o.Owns)
}
