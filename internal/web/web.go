package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gorowatch/gorowatch/internal/web/apiv1"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/hostcheck"
	"github.com/gorowatch/gorowatch/internal/web/inbound"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

//go:embed templates/*.html static/*
var files embed.FS

// Options of a Handler. Backend is required.
type Options struct {
	Logger  *slog.Logger
	Backend Backend
	// Registerer takes the metrics of the handler itself, Gatherer is what
	// /metrics shows. Either may be nil.
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer
	// ExternalURL is where people reach the pages; every link starts with it.
	// Nil: http://localhost:10980/.
	ExternalURL *url.URL
	// RoutePrefix is the prefix of every path that is served. Empty: the path
	// of ExternalURL. A proxy that strips the prefix needs "/".
	RoutePrefix string
	// AllowedHosts are names under which requests are answered besides that of
	// ExternalURL, as hostcheck.New takes them.
	AllowedHosts []string
	// Reloader is what /-/reload calls. Nil: nobody may reload.
	Reloader Reloader

	// Profiles are those of the archive, History what charts show. Either may be
	// nil: there is none.
	Profiles view.Profiles
	History  view.History
	// Resolution is the shortest step of a chart, a second if 0.
	Resolution time.Duration
	// Puller takes profiles now, when a person asks for one. Nil: nobody may.
	Puller view.Puller
	// Inbound is what alerts of others lead to. Nil: nothing.
	Inbound Inbound

	// Flags are the command line's.
	Flags map[string]string
	// Started is when the process did.
	Started time.Time
}

// Handler serves everything. It is safe for use by many requests.
type Handler struct {
	o      Options
	base   string // path of the external URL, without a slash at the end
	hosts  hostcheck.Policy
	pages  map[string]*template.Template
	logger *slog.Logger
	json   envelope.Writer
	view   *view.Reader
	api    *apiv1.Handler
	// inbound takes the webhooks of Alertmanager.
	inbound *inbound.Handler
	http.Handler
}

// New makes a Handler.
func New(o Options) (*Handler, error) {
	if o.Backend == nil {
		return nil, errors.New("web: Backend is missing")
	}
	if o.ExternalURL == nil {
		o.ExternalURL = &url.URL{Scheme: "http", Host: "localhost:10980", Path: "/"}
	}
	h := &Handler{o: o, base: strings.TrimRight(o.ExternalURL.EscapedPath(), "/"), logger: o.Logger}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	h.json = envelope.Writer{Logger: h.logger}
	h.view = view.New(view.Options{
		Logger: h.logger, Backend: o.Backend, Profiles: o.Profiles, History: o.History, Resolution: o.Resolution, Puller: o.Puller,
	})
	h.api = apiv1.New(apiv1.Options{
		Logger: h.logger, Backend: o.Backend, View: h.view, Flags: o.Flags, Started: o.Started,
	})
	var err error
	if h.hosts, err = hostcheck.New(o.ExternalURL, o.AllowedHosts); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if err := h.parse(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	measure, err := newMeasure(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("web: metrics: %w", err)
	}
	if h.inbound, err = h.newWebhook(); err != nil {
		return nil, fmt.Errorf("web: metrics: %w", err)
	}
	h.Handler = secure(h.prefixed(h.hostChecked(h.mux(measure))))
	return h, nil
}

// route is a path, with the method that it is for: others are refused.
type route struct {
	Method, Path string
	Handle       http.HandlerFunc
}

// routes are all paths but those that have methods of their own kind.
func (h *Handler) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	all := []route{
		{get, "/{$}", h.leaks},
		{get, "/leaks/{id}", h.leak},
		{post, "/leaks/{id}/profile", h.pull},
		{get, "/services", h.services},
		{get, "/services/{id}", h.service},
		{get, "/services/{id}/profiles", h.picker},
		{post, "/services/{id}/profile", h.pullService},
		{get, "/compare", h.compare},
		{get, "/compare/table", h.compareTable},
		{get, "/pprof/{base}/{head}/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "flamegraph", http.StatusFound) }},
		{get, "/pprof/{base}/{head}/{view}", h.pprof},
		{get, "/targets", h.targets},
		{get, "/status", h.status},
		{get, "/static/", h.static},

		{post, inbound.Path, h.inbound.ServeHTTP},

		{get, "/-/healthy", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "gorowatch is healthy.") }},
		{get, "/-/ready", h.ready},
	}
	for _, r := range h.api.Routes() {
		all = append(all, route(r))
	}
	return all
}

func (h *Handler) mux(measure func(name string, next http.HandlerFunc) http.Handler) http.Handler {
	mux := http.NewServeMux()
	handle := func(method, path string, f http.HandlerFunc) {
		mux.Handle(strings.TrimSpace(method+" "+path), measure(strings.TrimSuffix(path, "{$}"), f))
	}
	allowed := map[string][]string{}
	for _, x := range h.routes() {
		handle(x.Method, x.Path, x.Handle)
		allowed[x.Path] = append(allowed[x.Path], x.Method)
	}
	for path, methods := range allowed {
		slices.Sort(methods)
		handle("", path, func(w http.ResponseWriter, r *http.Request) { h.wrongMethod(w, r, methods) })
	}
	handle("", "/api/", h.api.NotFound)
	handle("", "/-/reload", h.reload)
	if h.o.Gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(h.o.Gatherer, promhttp.HandlerOpts{
			ErrorLog: slog.NewLogLogger(h.logger.Handler(), slog.LevelError),
			Registry: h.o.Registerer,
		}))
	}
	handle("", "/", h.notFound)
	return mux
}

// wrongMethod refuses what is there, but not for this method.
func (h *Handler) wrongMethod(w http.ResponseWriter, r *http.Request, methods []string) {
	allow := strings.Join(methods, ", ")
	w.Header().Set("Allow", allow)
	if strings.HasPrefix(r.URL.Path, "/api/") {
		h.json.Refuse(w, http.StatusMethodNotAllowed, envelope.MethodNotAllowed, "expected "+allow)
		return
	}
	plain(w, http.StatusMethodNotAllowed, "Only "+allow+" requests are answered here.")
}

// prefixed serves next under the route prefix. It compares paths by hand: a
// prefix may hold what is special in a pattern of http.ServeMux.
func (h *Handler) prefixed(next http.Handler) http.Handler {
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

// secure sets the headers that keep a browser from doing anything that these
// pages do not need, and refuses changes that another site's page asks for.
func secure(next http.Handler) http.Handler {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	guarded := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin")
		guarded.ServeHTTP(w, r)
	})
}

// newMeasure makes the metrics of the handlers.
func newMeasure(reg prometheus.Registerer) (func(string, http.HandlerFunc) http.Handler, error) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "gorowatch", Subsystem: "web", Name: "requests_total",
		Help: "Requests, by handler and status code.",
	}, []string{"handler", "code"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "gorowatch", Subsystem: "web", Name: "request_duration_seconds",
		Help:    "Time to answer a request, by handler.",
		Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10},
	}, []string{"handler"})
	if reg != nil {
		for _, c := range []prometheus.Collector{requests, seconds} {
			if err := reg.Register(c); err != nil {
				return nil, err
			}
		}
	}
	return func(name string, next http.HandlerFunc) http.Handler {
		l := prometheus.Labels{"handler": name}
		requests.MustCurryWith(l).WithLabelValues("200")
		return promhttp.InstrumentHandlerCounter(requests.MustCurryWith(l),
			promhttp.InstrumentHandlerDuration(seconds.MustCurryWith(l), next))
	}, nil
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n")
}

func (h *Handler) ready(w http.ResponseWriter, _ *http.Request) {
	if !h.o.Backend.Ready() {
		plain(w, http.StatusServiceUnavailable, "gorowatch is not ready: the first evaluation is not done.")
		return
	}
	plain(w, http.StatusOK, "gorowatch is ready.")
}

func (h *Handler) reload(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		plain(w, http.StatusMethodNotAllowed, "Only POST and PUT requests reload.")
	case h.o.Reloader == nil:
		plain(w, http.StatusForbidden, "The lifecycle API is not enabled: see --web.enable-lifecycle.")
	default:
		if err := h.o.Reloader.Reload(r.Context()); err != nil {
			plain(w, http.StatusInternalServerError, "The configuration was not reloaded: "+err.Error())
			return
		}
		plain(w, http.StatusOK, "The configuration was reloaded.")
	}
}

// static serves what the pages need besides themselves.
func (h *Handler) static(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	b, err := files.ReadFile(name)
	if err != nil || !strings.HasPrefix(name, "static/") {
		h.notFound(w, r)
		return
	}
	// The pages ask for them with the version, so that an upgrade shows.
	w.Header().Set("Cache-Control", "public, max-age=86400")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(b))
}

// parse reads the templates: each page with the layout around it.
func (h *Handler) parse() error {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return err
	}
	const layout = "templates/layout.html"
	h.pages = make(map[string]*template.Template)
	for _, name := range names {
		if name == layout {
			continue
		}
		t, err := template.New("layout.html").ParseFS(files, layout, name)
		if err != nil {
			return err
		}
		h.pages[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return nil
}

// render writes a page whole or not at all.
func (h *Handler) render(w http.ResponseWriter, code int, page, title string, data any) {
	h.execute(w, code, page, "layout.html", h.frame(page, title, data))
}

// fragment writes a part of a page, which the page fetches.
func (h *Handler) fragment(w http.ResponseWriter, code int, part string, data any) {
	h.execute(w, code, part, "content", frame{Base: h.base, Data: data})
}

func (h *Handler) execute(w http.ResponseWriter, code int, page, template string, f frame) {
	var b bytes.Buffer
	if err := h.pages[page].ExecuteTemplate(&b, template, f); err != nil {
		h.logger.Error("A page could not be rendered", "page", page, "err", err)
		plain(w, http.StatusInternalServerError, "The page could not be rendered; the log says why.")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = b.WriteTo(w)
}

// openPaths are answered under every name: probes and scrapes come by whatever
// name the platform has for the process.
var openPaths = []string{"/-/healthy", "/-/ready", "/metrics"}

// hostChecked answers only requests to hosts that are allowed, but for the open
// paths and the webhook, which checks its token first.
func (h *Handler) hostChecked(next http.Handler) http.Handler {
	guarded := h.hosts.Guard(next, h.o.Backend)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(openPaths, r.URL.Path) || r.URL.Path == inbound.Path {
			next.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}
