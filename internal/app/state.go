package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/leak"
	uiweb "github.com/gorowatch/gorowatch/internal/web"
)

// handler makes the pages.
func (a *App) handler() error {
	h, err := uiweb.New(uiweb.Options{
		Logger:          a.logger.With("component", "web"),
		State:           state{a},
		Registerer:      a.o.Registry,
		Gatherer:        a.o.Registry,
		ExternalURL:     a.externalURL,
		RoutePrefix:     a.o.RoutePrefix,
		EnableLifecycle: a.o.EnableLifecycle,
		Reload:          a.Reload,
		Alerts:          func() alerting.RenderOptions { return a.graph.Load().alerts.Render },
		Alertmanagers:   a.notifier.Status,
		Config:          func() string { return a.graph.Load().config.String() },
		Flags:           a.o.Flags,
		Notices:         a.notices,
		Started:         a.started,
	})
	if err != nil {
		return err
	}
	a.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	return nil
}

// notices are what everybody who looks at a page should know.
func (a *App) notices() []string {
	out := a.standing()
	out = append(out, ended(a.graph.Load().config.Ignore, time.Now())...)
	s := a.monitor.State()
	if s.Error != "" {
		out = append(out, "Series cannot be read since "+since(s.Read)+": "+s.Error)
	}
	if s.Archive != "" {
		out = append(out, "The archive cannot be written; watching and alerting go on: "+s.Archive)
	}
	for _, w := range s.Warnings {
		out = append(out, "Prometheus says: "+w)
	}
	return out
}

// standing are those that stay until the end.
func (a *App) standing() (out []string) {
	for _, notice := range []string{a.inMemory, a.seriesNotice} {
		if notice != "" {
			out = append(out, notice)
		}
	}
	return out
}

// ended are the rules that are past their date: somebody has to decide again.
func ended(rules []config.Ignore, now time.Time) (out []string) {
	for i, r := range rules {
		if until, err := r.Ends(); err == nil && !until.IsZero() && !now.Before(until) {
			text := fmt.Sprintf("ignore[%d] ended %s and is not applied any more", i, r.Until)
			if r.Comment != "" {
				text += ": " + r.Comment
			}
			out = append(out, text)
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

// Service is a watched service as the pages show it.
type Service = uiweb.Service

// Services are all that are watched, in no order.
func (a *App) Services() []Service { return state{a}.services() }

// state is what the pages read.
type state struct{ *App }

func (s state) Ready() bool        { return s.ready.Load() }
func (s state) Leaks() []leak.Leak { return s.monitor.Leaks() }

func (s state) Leak(id string) (leak.Leak, bool) {
	for _, l := range s.monitor.Leaks() {
		if l.ID == id {
			return l, true
		}
	}
	return leak.Leak{}, false
}

func (s state) services() []uiweb.Service {
	var out []uiweb.Service
	for _, svc := range s.monitor.Services() {
		v := uiweb.Service{
			Labels: svc.Labels, Instances: len(svc.Instances), Rate: svc.Verdict.Rate,
			Status: svc.Verdict.Status, Gate: svc.Verdict.Gate,
		}
		for _, in := range svc.Instances {
			v.Count += in.Count
			v.Floor += in.Floor
			if in.LastSeen.After(v.LastSample) {
				v.LastSample = in.LastSeen
			}
		}
		out = append(out, v)
	}
	return out
}

// Targets are those that profiles were wanted of, and the watched instances
// that it has not been their turn.
func (s state) Targets() []uiweb.Target {
	var out []uiweb.Target
	known := map[uint64]bool{}
	for _, t := range s.puller.Targets() {
		known[t.Labels.Hash()] = true
		out = append(out, target(t))
	}
	for _, svc := range s.monitor.Services() {
		for _, in := range svc.Instances {
			if !known[in.Labels.Hash()] {
				out = append(out, uiweb.Target{Labels: in.Labels, State: uiweb.TargetUnknown})
			}
		}
	}
	return out
}

func target(t collector.TargetStatus) uiweb.Target {
	v := uiweb.Target{
		Labels: t.Labels, URL: t.URL, State: uiweb.TargetUp,
		LastPull: t.LastPull, Duration: t.Duration, Goroutines: t.Goroutines, Error: cmp.Or(t.Error, t.Skipped),
	}
	switch {
	case t.LastPull.IsZero():
		v.State = uiweb.TargetUnknown
	case t.Reason != "":
		v.State = uiweb.TargetDown
	}
	return v
}

func (s state) Profile(ctx context.Context, key string) (io.ReadCloser, error) {
	return s.archive.OpenProfile(ctx, key)
}
