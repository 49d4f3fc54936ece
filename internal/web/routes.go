package web

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/inbound"
)

// route is a path with its method; others are refused.
type route struct {
	Method, Path string
	Handle       http.HandlerFunc
}

// routes returns all paths but those with other methods.
func (h *Handler) routes() []route {
	all := []route{
		{http.MethodPost, inbound.Path, h.inbound.ServeHTTP},
		{http.MethodGet, "/-/healthy", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "gorowatch is healthy.") }},
		{http.MethodGet, "/-/ready", h.ready},
	}
	if h.o.Pushed != nil {
		all = append(all, route{http.MethodPost, ingestPath, h.o.Pushed.Ingest}, route{http.MethodPost, pushPath, h.o.Pushed.Push})
	}
	for _, r := range h.pages.Routes() {
		all = append(all, route(r))
	}
	for _, r := range h.api.Routes() {
		all = append(all, route(r))
	}
	return all
}

// mux puts all routes behind their metrics, and compresses their answers.
func (h *Handler) mux(measure func(name string, next http.HandlerFunc) http.Handler, compress func(path string, next http.HandlerFunc) http.HandlerFunc) http.Handler {
	mux := http.NewServeMux()
	handle := func(method, path string, f http.HandlerFunc) {
		mux.Handle(strings.TrimSpace(method+" "+path), measure(strings.TrimSuffix(path, "{$}"), compress(path, f)))
	}
	allowed := map[string][]string{}
	for _, x := range h.routes() {
		handle(x.Method, x.Path, x.Handle)
		allowed[x.Path] = append(allowed[x.Path], x.Method)
	}
	for path, methods := range allowed {
		slices.Sort(methods)
		handle("", path, func(w http.ResponseWriter, r *http.Request) { h.refuseMethod(w, r, methods) })
	}
	handle("", "/api/", h.api.NotFound)
	handle("", "/-/reload", h.reload)
	if h.o.Gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(h.o.Gatherer, promhttp.HandlerOpts{
			ErrorLog: slog.NewLogLogger(h.o.Logger.Handler(), slog.LevelError),
			Registry: h.o.Registerer,
		}))
	}
	handle("", "/", h.pages.NotFound)
	return mux
}

// refuseMethod answers requests for a known path with a wrong method.
func (h *Handler) refuseMethod(w http.ResponseWriter, r *http.Request, methods []string) {
	allow := strings.Join(methods, ", ")
	w.Header().Set("Allow", allow)
	if strings.HasPrefix(r.URL.Path, "/api/") {
		h.json.Refuse(w, http.StatusMethodNotAllowed, envelope.MethodNotAllowed, "expected "+allow)
		return
	}
	plain(w, http.StatusMethodNotAllowed, "Only "+allow+" requests are answered here.")
}

// stripPrefix serves next under the route prefix. It compares paths by hand, because a prefix
// may have characters with a meaning in a pattern of http.ServeMux.
func (h *Handler) stripPrefix(next http.Handler) http.Handler {
	prefix := h.o.RoutePrefix
	if prefix == "" {
		prefix = h.o.ExternalURL.Path
	}
	prefix = strings.TrimRight("/"+strings.Trim(prefix, "/"), "/")
	if prefix == "" {
		return next
	}
	escaped := (&url.URL{Path: prefix}).EscapedPath()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner, ok := strings.CutPrefix(r.URL.Path, prefix+"/")
		switch {
		case ok:
			u := *r.URL
			u.Path = "/" + inner
			if u.RawPath != "" {
				u.RawPath = strings.TrimPrefix(u.RawPath, escaped)
			}
			r = r.WithContext(r.Context()) // a copy
			r.URL = &u
			next.ServeHTTP(w, r)
		case r.URL.Path == "/", r.URL.Path == prefix:
			http.Redirect(w, r, escaped+"/", http.StatusFound)
		default:
			plain(w, http.StatusNotFound, "Everything is served under "+escaped+"/.")
		}
	})
}
