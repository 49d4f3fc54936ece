package pages

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/web/actions"
	"github.com/gorowatch/gorowatch/internal/web/times"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

//go:embed templates/*.html static/*
var files embed.FS

// Options of a Handler. All are required but Flags.
type Options struct {
	Logger  *slog.Logger
	Backend Backend
	View    *view.Reader
	// ExternalURL is where people reach the pages. Links within the pages begin with its path.
	ExternalURL *url.URL
	// Flags are those of the command line.
	Flags map[string]string
	// Started is when gorowatch started.
	Started time.Time
}

// Backend is the running gorowatch as the pages see it.
type Backend interface {
	view.Backend
	// Links are the addresses of other tools that the pages link to.
	Links() actions.Links
}

// Handler answers the requests for pages. It is safe for concurrent use.
type Handler struct {
	o         Options
	view      *view.Reader
	base      string // path of the external URL, without a slash at the end
	templates map[string]*template.Template
}

// New makes a Handler.
func New(o Options) (*Handler, error) {
	templates, err := parse()
	if err != nil {
		return nil, err
	}
	return &Handler{o: o, view: o.View, base: strings.TrimRight(o.ExternalURL.EscapedPath(), "/"), templates: templates}, nil
}

// Route is a path, with the method that it is for.
type Route struct {
	Method, Path string
	Handle       http.HandlerFunc
}

// Routes returns the paths of all pages, of the parts that scripts fetch, and of the static files.
func (h *Handler) Routes() []Route {
	const get, post = http.MethodGet, http.MethodPost
	return []Route{
		{get, "/{$}", h.leaks},
		{get, "/leaks/{id}", h.leak},
		{post, "/leaks/{id}/profile", h.pull},
		{post, "/leaks/{id}/expected", h.setExpected},
		{post, "/leaks/{id}/owner", h.setOwner},
		{get, "/services", h.services},
		{get, "/services/{id}", h.service},
		{get, "/services/{id}/profiles", h.picker},
		{get, "/services/{id}/scheduler", h.scheduler},
		{post, "/services/{id}/profile", h.pullService},
		{get, "/compare", h.compare},
		{get, "/compare/table", h.compareTable},
		{get, "/pprof/{base}/{head}/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "flamegraph", http.StatusFound) }},
		{get, "/pprof/{base}/{head}/{view}", h.pprof},
		{get, "/fleet", h.fleet},
		{get, "/targets", h.targets},
		{get, "/status", h.status},
		{get, "/setup", h.setup},
		{get, "/help/{page...}", h.help},
		{get, "/static/", h.static},
	}
}

// parse reads the templates: each page with the layout around it.
func parse() (map[string]*template.Template, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	const layout = "templates/layout.html"
	templates := map[string]*template.Template{}
	for _, name := range names {
		if name == layout {
			continue
		}
		t, err := template.New("layout.html").Funcs(template.FuncMap{"term": term, "prose": times.Mark}).ParseFS(files, layout, name)
		if err != nil {
			return nil, err
		}
		templates[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return templates, nil
}

// render writes a whole page, or an error if its template fails.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, code int, page, title string, data any) {
	f := h.frame(page, title, data)
	if live[page] && code == http.StatusOK && r.Method == http.MethodGet {
		f.Live = max(int(h.view.Resolution().Seconds()), leastRefresh)
	}
	h.execute(w, r, code, page, "layout.html", f)
}

// fragment writes a part of a page that a script fetches.
func (h *Handler) fragment(w http.ResponseWriter, r *http.Request, code int, part string, data any) {
	h.execute(w, r, code, part, "content", frame{Base: h.base, Data: data})
}

func (h *Handler) execute(w http.ResponseWriter, r *http.Request, code int, page, template string, f frame) {
	var b bytes.Buffer
	if err := h.templates[page].ExecuteTemplate(&b, template, f); err != nil {
		h.o.Logger.Error("Cannot render a page", "page", page, "err", err)
		http.Error(w, "The page could not be rendered; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if code == http.StatusOK {
		tag := entityTag(b.Bytes())
		w.Header().Set("Etag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(code)
	_, _ = b.WriteTo(w)
}

// static serves scripts, styles and the icon.
func (h *Handler) static(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	b, err := files.ReadFile(name)
	if err != nil || !strings.HasPrefix(name, "static/") {
		h.NotFound(w, r)
		return
	}
	// The pages have the version in these addresses, so browsers load them again after an upgrade.
	w.Header().Set("Cache-Control", "public, max-age=86400")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(b))
}
