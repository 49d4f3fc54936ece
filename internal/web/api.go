package web

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/trend"
)

// window reads which part of a list is asked for. It has refused the request if not
// ok.
func (h *Handler) window(w http.ResponseWriter, q url.Values) (query.Window, bool) {
	x, err := query.NewWindow(q)
	if err != nil {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, err.Error())
	}
	return x, err == nil
}

// listing reads what a request wants of a list: which, and what part of them. It
// has refused the request if not ok.
func (h *Handler) listing(w http.ResponseWriter, q url.Values) (f query.Filter, x query.Window, ok bool) {
	if f = query.NewFilter(q); f.Problem != "" {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "match: "+f.Problem)
		return f, x, false
	}
	x, ok = h.window(w, q)
	return f, x, ok
}

func (h *Handler) apiLeaks(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	state := leak.State(q.Get("state"))
	switch state {
	case "", leak.Suspected, leak.Firing, leak.Resolved, leak.Ignored:
	default:
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "state: expected suspected, firing, resolved or ignored")
		return
	}
	f, x, ok := h.listing(w, q)
	if !ok {
		return
	}
	wanted := slices.DeleteFunc(h.view.Leaks(f), func(l leak.Leak) bool { return state != "" && l.State != state })
	leaks := []v1.Leak{}
	for _, l := range query.Cut(wanted, x) {
		leaks = append(leaks, v1.NewLeak(l))
	}
	h.json.Send(w, r, map[string]any{"leaks": leaks, "total": len(wanted)})
}

func (h *Handler) apiLeak(w http.ResponseWriter, r *http.Request) {
	l, ok := h.o.Backend.Leak(r.PathValue("id"))
	if !ok {
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no leak with this id")
		return
	}
	h.json.Send(w, r, v1.NewLeak(l))
}

func newService(s view.Service, firing []leak.Leak) v1.Service {
	a := v1.Service{
		ID: view.ServiceID(s.Labels), Labels: s.Labels, Instances: s.Instances, Goroutines: v1.Number(s.Count), Floor: v1.Number(s.Floor),
		GrowthPerHour: v1.NewInterval(s.Rate), Status: s.Status, Gate: s.Gate, Why: s.Why(), HeldBack: s.Held,
		LastSample: v1.Time(s.LastSample), Leaks: []string{},
	}
	for _, l := range firing {
		a.Leaks = append(a.Leaks, l.ID)
	}
	return a
}

func (h *Handler) apiServices(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f, x, ok := h.listing(w, q)
	if !ok {
		return
	}
	firing := h.view.FiringLeaks()
	status := trend.Status(q.Get("status"))
	wanted, _ := h.view.Services(f, firing)
	wanted = slices.DeleteFunc(wanted, func(s view.Service) bool { return status != "" && s.Status != status })
	services := []v1.Service{}
	for _, s := range query.Cut(wanted, x) {
		services = append(services, newService(s, firing.Of(s.Labels)))
	}
	h.json.Send(w, r, map[string]any{"services": services, "total": len(wanted)})
}

func (h *Handler) apiService(w http.ResponseWriter, r *http.Request) {
	s, _, ok := h.view.Service(r.PathValue("id"))
	if !ok {
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no service with this id")
		return
	}
	a := v1.ServiceDetail{
		Service: newService(s, h.view.FiringLeaks().Of(s.Labels)),
		Members: []v1.Member{}, Assessments: []v1.Assessment{},
	}
	for _, in := range query.Cut(h.o.Backend.Instances(s.Labels), query.Window{Limit: query.MaxLimit}) {
		a.Members = append(a.Members, v1.Member{
			Instance: in.Name, Goroutines: v1.Number(in.Count), Floor: v1.Number(in.Floor), Load: v1.Number(in.Load),
			Started: v1.Time(in.Started), LastSample: v1.Time(in.LastSeen), Gone: in.Gone,
		})
	}
	for _, x := range query.Cut(h.o.Backend.Explain(s.Labels), query.Window{Limit: query.MaxLimit}) {
		if x.Status == "" {
			continue
		}
		a.Assessments = append(a.Assessments, v1.Assessment{
			Instance: x.Instance, ScaleSeconds: x.Scale.Seconds(), Blocks: x.Blocks, Status: x.Status, Gate: x.Gate,
			Why: v1.NewReason(x).Text(), Z: v1.Number(x.Z), GrowthPerHour: v1.NewInterval(x.Rate), Grown: v1.Number(x.Grown), Onset: v1.Time(x.Onset),
		})
	}
	h.json.Send(w, r, a)
}

// apiServiceProfiles lists the profiles of a service, oldest first.
func (h *Handler) apiServiceProfiles(w http.ResponseWriter, r *http.Request) {
	s, _, ok := h.view.Service(r.PathValue("id"))
	if !ok {
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no service with this id")
		return
	}
	now := h.o.Now()
	span, err := query.NewSpan(r.URL.Query(), now.Add(-24*time.Hour), now)
	if err != nil {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, err.Error())
		return
	}
	x, ok := h.window(w, r.URL.Query())
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), view.LoadTimeout)
	defer cancel()
	refs, err := h.view.ServiceProfiles(ctx, s.Labels, span.From, span.To)
	if err != nil {
		h.json.Refuse(w, http.StatusBadGateway, envelope.Unavailable, h.view.ArchiveProblem(err, "list", alerting.ServiceName(s.Labels)))
		return
	}
	profiles := []v1.Capture{}
	for _, ref := range query.Cut(refs, x) {
		profiles = append(profiles, v1.Capture{Key: ref.Key, Instance: ref.Instance, Time: ref.Time.UTC()})
	}
	h.json.Send(w, r, map[string]any{"profiles": profiles, "total": len(refs)})
}

// apiTakeProfile takes a profile now.
func (h *Handler) apiTakeProfile(w http.ResponseWriter, r *http.Request) {
	if !h.view.CanPull() {
		h.json.Refuse(w, http.StatusForbidden, envelope.Forbidden, view.PullOff)
		return
	}
	s, _, ok := h.view.Service(r.PathValue("id"))
	if !ok {
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no service with this id")
		return
	}
	ref, err := h.view.TakeProfile(r.Context(), w, s.Labels, r.URL.Query().Get("instance"))
	if err != nil {
		h.json.Refuse(w, view.PullStatus(err), envelope.Unavailable, human.Line(err.Error(), maxWords))
		return
	}
	h.json.Send(w, r, v1.Capture{Key: ref.Key, Instance: ref.Instance, Time: ref.Time.UTC()})
}

// apiTargets lists the targets; what is gone is one no more, and listed only to
// who asks for it.
func (h *Handler) apiTargets(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f, x, ok := h.listing(w, q)
	if !ok {
		return
	}
	state := view.TargetState(q.Get("state"))
	wanted, gone := h.view.Targets()
	if state == view.TargetGone {
		wanted = gone
	}
	wanted = slices.DeleteFunc(wanted, func(t view.Target) bool {
		return state != "" && t.State != state || !f.Passes(t.Labels, t.URL, t.Error)
	})
	targets := []v1.Target{}
	for _, t := range query.Cut(wanted, x) {
		targets = append(targets, v1.Target{
			Labels: t.Labels, URL: t.URL, State: string(t.State), LastPull: v1.Time(t.LastPull), NextPull: v1.Time(t.Next),
			DurationSeconds: t.Duration.Seconds(), CostSeconds: v1.Number(t.Cost), Goroutines: t.Goroutines, Error: t.Error, GoneSince: v1.Time(t.Gone),
		})
	}
	h.json.Send(w, r, map[string]any{"targets": targets, "total": len(wanted)})
}

func (h *Handler) apiStatus(w http.ResponseWriter, r *http.Request) {
	a := v1.ServerStatus{
		Ready: h.o.Backend.Ready(), Started: v1.Time(h.o.Started), Build: map[string]string{}, Flags: map[string]string{},
		Notices: []string{}, Alertmanagers: []v1.AlertmanagerStatus{}, Discovery: v1.DiscoveryStatus{Sets: []v1.DiscoverySet{}, Problems: []string{}},
	}
	for _, p := range view.Build() {
		a.Build[strings.ToLower(p.Name)] = p.Value
	}
	maps.Copy(a.Flags, h.o.Flags)
	now := h.o.Backend.Status()
	a.Config = now.Config
	a.Notices = append(a.Notices, h.o.Backend.Notices()...)
	if s := now.Series; s != nil {
		a.Series = v1.SeriesStatus{Source: s.Source, HistorySeconds: s.History.Seconds(), Done: s.Done, Read: v1.Time(s.Read), Readings: s.Cycles, Error: s.Error}
	}
	if d := now.Discovery; d != nil {
		for _, s := range d.Sets {
			a.Discovery.Sets = append(a.Discovery.Sets, v1.DiscoverySet(s))
		}
		a.Discovery.Problems = append(a.Discovery.Problems, d.Problems...)
	}
	if s := now.Storage; s != nil {
		a.Storage = v1.StorageStatus{URL: s.URL, RetentionSeconds: s.Retention.Seconds(), Error: s.Error}
	}
	for _, m := range now.Alertmanagers {
		a.Alertmanagers = append(a.Alertmanagers, v1.AlertmanagerStatus{
			URL: m.URL, State: string(m.State), Since: v1.Time(m.Since), LastSuccess: v1.Time(m.LastSuccess), LastError: m.LastError,
			Queued: m.Queued, Capacity: m.Capacity, Sent: m.Sent, Dropped: m.Dropped,
		})
	}
	h.json.Send(w, r, a)
}

// v1.ProfileOf sends a profile of the archive as the target sent it.
func (h *Handler) apiProfile(w http.ResponseWriter, r *http.Request) {
	const folder = "profiles/"
	key := folder + r.PathValue("key")
	if !view.IsProfileKey(key) {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "key: expected <service>/<instance>/<time>.pb.gz")
		return
	}
	if !h.view.HasArchive() {
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no archive")
		return
	}
	body, err := h.view.OpenProfile(r.Context(), key)
	// The links of older alerts have the folder too.
	if old := r.PathValue("key"); errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(old, folder) {
		key = old
		body, err = h.view.OpenProfile(r.Context(), key)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no such profile; it may have been older than the retention")
		return
	case err != nil:
		if r.Context().Err() == nil {
			h.logger.Warn("A profile could not be read", "key", key, "err", err)
		}
		h.json.Refuse(w, http.StatusBadGateway, envelope.Unavailable, "the archive cannot be read now; the log says why")
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(key)}))
	if _, err := io.Copy(w, body); err != nil {
		if r.Context().Err() == nil {
			h.logger.Warn("A profile could not be sent", "key", key, "err", err)
		}
		// Half a profile must not look like a whole one: this breaks the
		// connection, which is all that is left to say.
		panic(http.ErrAbortHandler)
	}
}

// fileName is what a browser saves a profile as: instance and time.
func fileName(key string) string {
	name := path.Base(path.Dir(key)) + "_" + path.Base(key)
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-", r):
			return r
		}
		return '-'
	}, name[max(len(name)-120, 0):])
}

func (h *Handler) apiNotFound(w http.ResponseWriter, _ *http.Request) {
	h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no such path")
}
