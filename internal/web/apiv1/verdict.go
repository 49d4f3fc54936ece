package apiv1

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/canary"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// Bounds of a verdict on a rollout.
const (
	maxGated      = 20 // services
	rolloutWindow = 30 * time.Minute
	longestSince  = 24 * time.Hour
	maxEarlier    = 3 // processes whose start is read
)

// verdict says whether a rollout may continue.
func (h *Handler) verdict(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	now := h.o.Backend.Now()
	since, err := query.Since(q.Get("since"), now, rolloutWindow, longestSince)
	if err != nil {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "since: "+err.Error())
		return
	}
	window := rolloutWindow
	if s := q.Get("window"); s != "" {
		d, err := model.ParseDuration(s)
		if window = time.Duration(d); err != nil || window < 10*time.Minute || window > 6*time.Hour {
			h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "window: expected a duration from 10m to 6h")
			return
		}
	}
	f := query.NewFilter(q)
	if f.Problem != "" {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "match: "+f.Problem)
		return
	}
	if f.Match == "" && f.Text == "" {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, `match: is missing, expected matchers of the labels of a service, e.g. job="checkout"`)
		return
	}
	if !h.view.HasHistory() {
		h.json.Refuse(w, http.StatusNotImplemented, envelope.Unavailable, "there is no source of series")
		return
	}
	services, _ := h.view.Services(f, h.view.FiringLeaks())
	if n := len(services); n > maxGated {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, fmt.Sprintf("match: fits %d services, expected at most %d", n, maxGated))
		return
	}
	out := v1.RolloutVerdict{Verdict: string(canary.Pass), Since: since.UTC(), Reasons: []string{}, Services: []v1.ServiceRollout{}}
	for _, s := range services {
		x, err := h.rollout(r.Context(), s, since, now, window)
		if err != nil {
			h.json.Refuse(w, http.StatusBadGateway, envelope.Unavailable, "the series cannot be read now: "+human.Line(err.Error(), view.MaxWords))
			return
		}
		out.Services = append(out.Services, x)
		for _, reason := range x.Reasons {
			out.Reasons = append(out.Reasons, human.Line(alerting.ServiceName(x.Labels), view.MaxName)+": "+reason)
		}
		switch {
		case x.Verdict == string(canary.Fail):
			out.Verdict = x.Verdict
		case x.Verdict == string(canary.Undecided) && out.Verdict == string(canary.Pass):
			out.Verdict = x.Verdict
		}
	}
	if len(services) == 0 {
		out.Verdict, out.Reasons = string(canary.Undecided), []string{"no service that is watched fits match"}
	}
	h.json.Send(w, r, out)
}

// rollout judges one service.
func (h *Handler) rollout(ctx context.Context, s view.Service, since, now time.Time, window time.Duration) (v1.ServiceRollout, error) {
	out := v1.ServiceRollout{ID: view.ServiceID(s.Labels), Labels: s.Labels, Leaks: []string{}}
	read := func(from, to time.Time) ([]canary.Process, error) {
		history, err := h.view.History(ctx, s.Labels, from, to, time.Minute)
		return processes(history), err
	}
	recent, err := read(since.Add(-10*time.Minute), now)
	if err != nil {
		return out, err
	}
	var after, before []canary.Process
	for _, p := range recent {
		switch {
		case p.Started.Before(since):
			before = append(before, p)
		case now.Sub(p.Started)-time.Duration(len(p.Floors))*time.Minute < 5*time.Minute: // it still runs
			after = append(after, p)
		}
	}
	out.NewProcesses, out.OldProcesses = len(after), len(before)
	// The earlier ones at the age that the new ones have now.
	for i := range before[:min(len(before), maxEarlier)] {
		p := &before[i]
		young, err := read(p.Started.Add(-time.Minute), p.Started.Add(window))
		if err != nil {
			continue // it is longer ago than the series reach back
		}
		if at := slices.IndexFunc(young, func(y canary.Process) bool {
			return y.Instance == p.Instance && y.Started.Sub(p.Started).Abs() < 5*time.Second
		}); at >= 0 {
			present := p.Floors[len(p.Floors)-1]
			p.Floors = append(young[at].Floors, present)
		}
	}
	x := canary.Compare(after, before, window)
	for _, l := range h.firedSince(s, since, after) {
		out.Leaks = append(out.Leaks, l.ID)
		where := ""
		if len(l.Stacks) > 0 {
			where = " in " + human.Line(l.Stacks[0].Key.Func, view.MaxName)
		}
		x.Verdict = canary.Fail
		x.Reasons = append([]string{fmt.Sprintf("leak %s fires%s since %s", l.ID, where, human.FullTime(l.DetectedAt))}, x.Reasons...)
	}
	out.Verdict, out.Reasons = string(x.Verdict), x.Reasons
	return out, nil
}

// firedSince returns the open leaks of new processes that have fired since a time.
func (h *Handler) firedSince(s view.Service, since time.Time, after []canary.Process) (out []leak.Leak) {
	for _, l := range h.view.LeaksOf(s.Labels) {
		isNew := slices.ContainsFunc(l.Instances, func(name string) bool {
			return slices.ContainsFunc(after, func(p canary.Process) bool { return p.Instance == name })
		})
		if l.State == leak.Firing && l.DetectedAt.After(since) && !l.Onset.Before(since.Add(-time.Minute)) && isNew {
			out = append(out, l)
		}
	}
	return out
}

// processes returns those of a history, with the floors of each known minute of their life. A
// process without an exported start starts with its series.
func processes(history collector.History) (out []canary.Process) {
	for _, in := range history.Instances {
		var p *canary.Process
		for i, floor := range in.Min {
			if math.IsNaN(floor) {
				continue
			}
			at := history.Start.Add(time.Duration(i) * history.Step)
			started := at
			if x := in.Start[i]; !math.IsNaN(x) {
				started = time.UnixMilli(int64(1000 * x))
			} else if p != nil {
				started = p.Started
			}
			if p == nil || started.Sub(p.Started).Abs() >= 5*time.Second {
				out = append(out, canary.Process{Instance: strings.Clone(instanceName(in.Labels)), Started: started})
				p = &out[len(out)-1]
			}
			age := int(at.Sub(started).Minutes())
			if age < 0 || age > int(2*longestSince.Minutes()) {
				age = min(max(age, 0), len(p.Floors)) // an old one: its present count is enough
			}
			for len(p.Floors) < age {
				p.Floors = append(p.Floors, math.NaN())
			}
			p.Floors = append(p.Floors[:age], floor)
		}
	}
	return slices.DeleteFunc(out, func(p canary.Process) bool { return len(p.Floors) == 0 })
}
