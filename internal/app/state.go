package app

import (
	"context"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/connections"
	"github.com/gorowatch/gorowatch/internal/hourly"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	uiweb "github.com/gorowatch/gorowatch/internal/web"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// handler makes the pages.
func (a *App) handler() error {
	h, err := uiweb.New(uiweb.Options{
		Logger:       a.logger.With("component", "web"),
		Backend:      state{a},
		Profiles:     a.archive,
		History:      state{a},
		Resolution:   min(time.Duration(a.graph.Load().config.Global.EvaluationInterval), time.Minute),
		Puller:       a.pagePuller(),
		Triage:       state{a},
		Inbound:      state{a},
		Pushed:       a.pushed,
		Registerer:   a.o.Registry,
		Gatherer:     a.o.Registry,
		ExternalURL:  a.externalURL,
		RoutePrefix:  a.o.RoutePrefix,
		AllowedHosts: a.o.AllowedHosts,
		Reloader:     a.reloader(),
		MCP:          a.o.EnableMCP,
		Pictures:     a.pictures,
		Flags:        a.o.Flags,
		Started:      a.started,
	})
	if err != nil {
		return err
	}
	a.server = connections.NewServer(h, a.connections)
	a.server.WriteTimeout = connections.WriteTimeout
	return nil
}

// Notices returns the problems that every page shows.
func (s state) Notices() []string {
	out := s.lastingNotices()
	out = append(out, config.Ended(s.graph.Load().config.Ignore, time.Now())...)
	out = append(out, s.watcher.Warnings(time.Now())...)
	now := s.monitor.State()
	if now.Error != "" {
		out = append(out, "Cannot read series since "+since(now.Read)+": "+now.Error)
	}
	if now.Archive != "" {
		out = append(out, "Cannot write to the archive; watching and alerting continue: "+now.Archive)
	}
	if now.Archive == "" {
		out = append(out, s.tenancy.notices()...)
	}
	if grouping := s.groupingNotices.Load(); grouping != nil {
		out = append(out, *grouping...)
	}
	for _, w := range now.Warnings {
		out = append(out, "Prometheus says: "+w)
	}
	return out
}

// lastingNotices returns the notices that stay until the end.
func (a *App) lastingNotices() (out []string) {
	for _, notice := range []string{*a.memoryNotice.Load(), a.seriesNotice} {
		if notice != "" {
			out = append(out, notice)
		}
	}
	return out
}

func since(t time.Time) string {
	if t.IsZero() {
		return "the start"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// Status returns the state of the parts of gorowatch.
func (s state) Status() view.Status {
	return view.Status{
		Series: s.seriesStatus(), Discovery: s.discoveryStatus(), Storage: s.storageStatus(),
		Alertmanagers: s.notifier.Status(), Config: s.graph.Load().config.String(),
	}
}

// seriesStatus says how far the counts are read.
func (a *App) seriesStatus() *view.Series {
	g, s := a.graph.Load(), a.monitor.State()
	out := &view.Series{Source: "the targets themselves", History: g.monitor.History, Done: s.Done, Read: s.Read, Cycles: s.Cycles, Error: s.Error, Names: g.config.Prometheus.GoroutineNames()}
	if u := g.config.Prometheus.URL.URL; u != nil {
		out.Source = collector.RedactURL(u)
	}
	if s, ok := g.source.(signaller); ok {
		out.Uses = s.Signals()
	}
	return out
}

// signaller is a source that says by which metrics it reads.
type signaller interface{ Signals() []signals.Use }

// discoveryStatus says what service discovery finds.
func (a *App) discoveryStatus() *view.Discovery {
	now := time.Now()
	out := &view.Discovery{Problems: a.watcher.Problems(now)}
	for _, f := range a.watcher.Found(now) {
		out.Sets = append(out.Sets, view.DiscoverySet{Name: f.Set, Targets: f.Targets})
	}
	return out
}

// storageStatus says whether the bucket can be written.
func (a *App) storageStatus() *view.Storage {
	c := a.graph.Load().config.Storage
	out := &view.Storage{URL: "memory", Retention: time.Duration(c.Retention), Error: a.monitor.State().Archive}
	if u, err := url.Parse(c.URL); err == nil && *a.memoryNotice.Load() == "" {
		out.URL = collector.RedactURL(u)
	}
	return out
}

// reloader reloads when a request asks for it; nil: none may.
func (a *App) reloader() uiweb.Reloader {
	if !a.o.EnableLifecycle {
		return nil
	}
	return a
}

// pagePuller takes profiles on request from the pages. It is nil if that is not enabled.
func (a *App) pagePuller() view.Puller {
	if !a.o.EnableAdminAPI {
		return nil
	}
	return onRequest{a}
}

// onRequest takes profiles on request from the pages.
type onRequest struct{ *App }

// Pull takes a profile now, and archives it.
func (a onRequest) Pull(ctx context.Context, service labels.Labels, in view.Instance) (leak.ProfileRef, error) {
	now := time.Now()
	p, err := a.puller.Pull(ctx, now, in.Labels, in.Count)
	if err != nil {
		return leak.ProfileRef{}, err
	}
	ref, err := a.archive.SaveProfile(ctx, service, in.Name, now, p)
	if err != nil {
		a.logger.Warn("Cannot store a requested profile", "instance", in.Name, "err", err)
		return ref, collector.Errorf(collector.ReasonOther, "the profile was taken, but the archive cannot be written; the log says why")
	}
	return ref, nil
}

// Service is a watched service as the pages show it.
type Service = view.Service

// Services returns all watched services, in no order.
func (a *App) Services() []Service { return state{a}.services() }

// state is the backend of the pages.
type state struct{ *App }

func (s state) Ready() bool        { return s.ready.Load() }
func (s state) Leaks() []leak.Leak { return s.monitor.Leaks() }

func (s state) Captures() []ondemand.Capture { return s.monitor.Captures() }

func (s state) RenderOptions() alerting.RenderOptions { return s.graph.Load().alerts.Render }

func (s state) Now() time.Time { return time.Now() }

func (s state) RequiresLogin() bool { return s.requiresLogin() }

func (s state) TargetCount() int { return int(s.targetCount.Load()) }

func (s state) Leak(id string) (leak.Leak, bool) {
	for _, l := range s.monitor.Leaks() {
		if l.ID == id {
			return l, true
		}
	}
	return leak.Leak{}, false
}

func (s state) services() []view.Service {
	var out []view.Service
	for _, svc := range s.monitor.Services() {
		v := view.Service{
			Labels: svc.Labels, Rate: svc.Verdict.Rate,
			Status: svc.Verdict.Status, Gate: svc.Verdict.Gate, Z: svc.Verdict.Z, Confidence: svc.Verdict.Confidence, Wait: svc.Verdict.Wait, Scale: svc.Verdict.Scale, Growing: svc.Verdict.Instances, SuppressedReason: svc.SuppressedReason,
		}
		for _, in := range svc.Instances {
			if !in.Gone {
				v.Instances++
				v.Count += in.Count
				v.Floor += in.Floor
			}
			if in.LastSeen.After(v.LastSample) {
				v.LastSample = in.LastSeen
			}
		}
		out = append(out, v)
	}
	return out
}

func (s state) Instances(service labels.Labels) (out []view.Instance) {
	for _, svc := range s.monitor.Services() {
		if labels.Equal(svc.Labels, service) {
			for _, in := range svc.Instances {
				out = append(out, view.Instance{Instance: in.Instance, Labels: in.Labels, Gone: in.Gone})
			}
		}
	}
	return out
}

func (s state) Floors(service labels.Labels, since time.Time) trend.Floors {
	return s.monitor.Floors(service, since)
}

func (s state) Confidences(service labels.Labels, from time.Time, hours int) []hourly.Hour {
	return s.monitor.Confidences(service, from, hours)
}

func (s state) Explain(service labels.Labels) []trend.Assessment { return s.monitor.Explain(service) }

// historian is a source that can thin out its answers.
type historian interface {
	History(ctx context.Context, service labels.Labels, names []string, from, to time.Time, step time.Duration) (collector.History, error)
}

// History reads the data of a chart, thinned out by the source if it can do that.
func (s state) History(ctx context.Context, service labels.Labels, from, to time.Time, step time.Duration) (collector.History, error) {
	g := s.graph.Load()
	names := g.config.Services.GroupBy
	if h, ok := g.source.(historian); ok {
		return h.History(ctx, service, names, from, to, step)
	}
	w, err := g.source.Window(ctx, from, to)
	if err != nil {
		return collector.History{}, err
	}
	return collector.Thin(w, step, func(ls labels.Labels) bool {
		return labels.Equal(labels.NewBuilder(ls).Keep(names...).Labels(), service)
	}), nil
}

// schedulerSource is a source that has Go's scheduler metrics.
type schedulerSource interface {
	Scheduler(ctx context.Context, service labels.Labels, names []string, now time.Time) (collector.Scheduler, bool, error)
}

// HasScheduler implements view.Scheduler.
func (s state) HasScheduler() bool {
	_, ok := s.graph.Load().source.(schedulerSource)
	return ok
}

// Scheduler implements view.Scheduler.
func (s state) Scheduler(ctx context.Context, service labels.Labels, now time.Time) (collector.Scheduler, bool, error) {
	g := s.graph.Load()
	source, ok := g.source.(schedulerSource)
	if !ok {
		return collector.Scheduler{}, false, nil
	}
	return source.Scheduler(ctx, service, g.config.Services.GroupBy, now)
}
