package monitor

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/enrich"
	"github.com/gorowatch/gorowatch/internal/monitor/journal"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/monitor/reading"
	"github.com/gorowatch/gorowatch/internal/monitor/totals"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Archive stores profiles, leaks and captures.
type Archive interface {
	profiling.Archive
	journal.Archive
	SaveCapture(ctx context.Context, c ondemand.Capture) error
	Captures(ctx context.Context) ([]ondemand.Capture, error)
}

// Options of a Monitor. Source is required; without Puller and Archive it judges by the counts
// alone.
type Options struct {
	Source  collector.SeriesSource
	Puller  profiling.Source
	Archive Archive
	// Memory is asked about services that leak; nil: only their goroutines count.
	Memory enrich.MemorySource
	// Targets is asked whether the instances of leaks still exist. Leaks resolve sooner if these
	// are known to be gone; nil: that is never known.
	Targets enrich.TargetSource
	// TargetsWithoutSeries lists the targets that are watched by the number of goroutines in
	// their profiles, because they have no series; nil: there are none.
	TargetsWithoutSeries totals.Source
	// Versions is asked while a leak is open and the version of an instance is unknown; nil: never.
	// It is not asked if VersionLabel is set: that label of the instances has their version.
	Versions     enrich.VersionSource
	VersionLabel string
	// Notify receives all leaks, open and recently resolved, after every cycle, even if that could
	// not read anything, and between cycles when one has changed its state.
	Notify func(now time.Time, leaks []leak.Leak)

	// OnVerdict, if set, receives every verdict of a Walk. why lists the assessments behind it, and
	// may be called until OnVerdict returns. Calls for different services are concurrent.
	OnVerdict func(service labels.Labels, now time.Time, v trend.Verdict, why func() []trend.Assessment)

	// Interval is the time between two cycles, and the longest time between
	// samples; default 1 minute.
	Interval time.Duration
	// Owns reports whether a service is watched by this gorowatch, so that its leaks in the archive
	// belong to it; default all.
	Owns func(service labels.Labels) bool
	// GroupBy are the labels that make a service; default namespace, job.
	GroupBy []string
	Trend   trend.Options
	// SuspectConfidence is the confidence from which a leak is shown as suspected; default
	// 0.5.
	SuspectConfidence float64
	// Ignore are the leaks that must not alert.
	Ignore []lifecycle.IgnoreRule
	// KeepAll keeps every leak that was ever found, as a scan needs. One that returns is a new leak
	// then. Otherwise resolved leaks are dropped after a day.
	KeepAll bool
	// History is how far back the first cycle reads.
	History time.Duration
	// BaselineInterval is the time between two baselines of a service; default 1 hour.
	// BaselineInstances is how many instances each has; default 2.
	BaselineInterval  time.Duration
	BaselineInstances int
	// SuspicionInterval is the time between two profiles of a suspicious instance, after the first
	// ones, which come sooner; default 2 minutes.
	SuspicionInterval time.Duration
	// DumpLimit is the number of goroutines up to which an instance with a leak is asked for a
	// dump; 0: never.
	DumpLimit int
	// LabelText returns the values of pprof labels as leaks may show them; nil: leaks show none.
	LabelText stack.LabelText

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// maxMissedSamples is how many samples an instance may miss before it is forgotten, if they are so
// far apart that an hour is too short.
const maxMissedSamples = 6

// complete sets the defaults.
func (o *Options) complete() error {
	if o.Source == nil {
		return errors.New("monitor: Source is required")
	}
	if o.Logger == nil {
		o.Logger = promslog.NewNopLogger()
	}
	if o.Notify == nil {
		o.Notify = func(time.Time, []leak.Leak) {}
	}
	if o.Owns == nil {
		o.Owns = func(labels.Labels) bool { return true }
	}
	if o.Interval <= 0 {
		o.Interval = time.Minute
	}
	if len(o.GroupBy) == 0 {
		o.GroupBy = []string{"namespace", "job"}
	}
	if o.Trend.Base <= 0 {
		o.Trend.Base = time.Minute
	}
	if o.Trend.Forget <= 0 {
		o.Trend.Forget = max(60*o.Trend.Base, maxMissedSamples*o.Interval)
	}
	if o.BaselineInterval <= 0 {
		o.BaselineInterval = time.Hour
	}
	if o.BaselineInstances <= 0 {
		o.BaselineInstances = 2
	}
	if o.SuspicionInterval <= 0 {
		o.SuspicionInterval = 2 * time.Minute
	}
	return nil
}

// tracker returns the options of the tracker of a service.
func (o *Options) tracker() lifecycle.Options {
	t := lifecycle.Options{Ignore: o.Ignore, MinConfidence: o.Trend.MinConfidence, SuspectConfidence: o.SuspectConfidence, Base: o.Trend.Base, Interval: o.Interval, Patience: max(10*o.Trend.Base, 5*o.SuspicionInterval)}
	if o.KeepAll {
		t.Remember = -1
	}
	return t
}

// services returns the options of the services.
func (o *Options) services() watch.Options {
	return watch.Options{GroupBy: o.GroupBy, Owns: o.Owns, Trend: o.Trend, Leaks: o.tracker(), Interval: o.Interval}
}

// reading returns the options of the reader.
func (o *Options) reading() reading.Options {
	return reading.Options{Interval: o.Interval, History: o.History, Block: o.Trend.Base}
}

// judge returns the options of a judgement.
func (o *Options) judge() watch.JudgeOptions {
	return watch.JudgeOptions{Interval: o.Interval, Pulling: o.Puller != nil, VersionLabel: o.VersionLabel}
}
