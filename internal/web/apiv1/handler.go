package apiv1

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// Options of a Handler. All are required but Flags.
type Options struct {
	Logger  *slog.Logger
	Backend view.Backend
	View    *view.Reader
	// Flags are those of the command line.
	Flags map[string]string
	// Started is when the process started.
	Started time.Time
}

// Handler answers the requests to the API. It is safe for use by many requests.
type Handler struct {
	o    Options
	view *view.Reader
	json envelope.Writer
}

// New makes a Handler.
func New(o Options) *Handler {
	return &Handler{o: o, view: o.View, json: envelope.Writer{Logger: o.Logger}}
}

// Route is a path of the API with its method.
type Route struct {
	Method, Path string
	Handle       http.HandlerFunc
}

// Routes returns all paths of the API but that of the webhook.
func (h *Handler) Routes() []Route {
	const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	return []Route{
		{get, "/api/v1/leaks", h.leaks},
		{get, "/api/v1/leaks/{id}", h.leak},
		{get, "/api/v1/leaks/{id}/stacks", h.leakStacks},
		{get, "/api/v1/leaks/{id}/triage", h.triage},
		{put, "/api/v1/leaks/{id}/triage", h.setTriage},
		{get, "/api/v1/services", h.services},
		{get, "/api/v1/services/{id}", h.service},
		{get, "/api/v1/services/{id}/history", h.serviceHistory},
		{get, "/api/v1/services/{id}/profiles", h.serviceProfiles},
		{post, "/api/v1/services/{id}/profiles", h.takeProfile},
		{get, "/api/v1/targets", h.targets},
		{get, "/api/v1/verdict", h.verdict},
		{get, "/api/v1/captures", h.captures},
		{get, "/api/v1/status", h.status},
		{get, "/api/v1/diff", h.diff},
		{get, "/api/v1/export", h.export},
		{get, "/api/v1/profiles/{key...}", h.profile},
	}
}

// NotFound answers requests to other paths of the API.
func (h *Handler) NotFound(w http.ResponseWriter, _ *http.Request) {
	h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no such path")
}

// window reads which part of a list a request asks for. If ok is false, it has answered the
// request.
func (h *Handler) window(w http.ResponseWriter, q url.Values) (x query.Window, ok bool) {
	x, err := query.NewWindow(q)
	if err != nil {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, err.Error())
	}
	return x, err == nil
}

// listing reads the filter on a list and the part of it that a request asks for. If
// ok is false, it has answered the request.
func (h *Handler) listing(w http.ResponseWriter, q url.Values) (f query.Filter, x query.Window, ok bool) {
	if f = query.NewFilter(q); f.Problem != "" {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "match: "+f.Problem)
		return f, x, false
	}
	x, ok = h.window(w, q)
	return f, x, ok
}

// serviceOf returns the service that a path names. ok is false once the request has been
// refused.
func (h *Handler) serviceOf(w http.ResponseWriter, r *http.Request) (s view.Service, ok bool) {
	if s, _, ok = h.view.Service(r.PathValue("id")); !ok {
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no service with this id")
	}
	return s, ok
}

// leakOf returns the leak that a path names. ok is false once the request has been refused.
func (h *Handler) leakOf(w http.ResponseWriter, r *http.Request) (l leak.Leak, ok bool) {
	if l, ok = h.o.Backend.Leak(r.PathValue("id")); !ok {
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no leak with this id")
	}
	return l, ok
}
