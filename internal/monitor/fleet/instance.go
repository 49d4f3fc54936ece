package fleet

import (
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/procstart"
)

const (
	// scrapeDelay is how late a sample may be.
	scrapeDelay = 10 * time.Second
	// maxSampleInterval is the longest time between two samples that counts as an instance's
	// interval.
	maxSampleInterval = 5 * time.Minute
)

// Instance is a series of processes under one name, one after another.
type Instance struct {
	// Name is the instance label, or all labels if that is not enough. It is constant.
	Name string
	// Labels may change while the process continues.
	Labels labels.Labels

	last  int64   // time of the latest sample, Unix milliseconds
	start float64 // of the latest process, Unix seconds; 0: unknown
	// sampleInterval is the time between the latest two samples; 0: unknown.
	sampleInterval time.Duration
	ended          bool // its series have ended
	removed        bool // it was removed from the registry

	starts    []float64 // of the latest processes, the present one last, Unix seconds
	processes int       // seen so far

	load    loadHistory
	version version
}

// Ended reports whether the series of the instance have ended.
func (in *Instance) Ended() bool { return in.ended }

// continuesWith reports whether a sample is a later one of the latest process.
func (in *Instance) continuesWith(x collector.Sample) bool {
	return x.T > in.last && procstart.Time(x.Start).Same(procstart.Time(in.start))
}

// Extend records how far the series of the instance reaches, from its samples in a window, of which
// there is at least one.
func (in *Instance) Extend(samples []collector.Sample) {
	n := len(samples)
	x, before := samples[n-1], in.last
	if n > 1 {
		before = samples[n-2].T
	}
	if before != 0 && x.T > before {
		most := maxSampleInterval
		if in.ended && in.sampleInterval > 0 { // a gap is not yet a longer interval
			most = min(2*in.sampleInterval, most)
		}
		in.sampleInterval = min(time.Duration(x.T-before)*time.Millisecond, most)
	}
	in.last = max(in.last, x.T)
	if !math.IsNaN(x.Start) {
		in.start = x.Start
	}
}
