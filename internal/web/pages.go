package web

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/web/view"
)

//go:embed templates/*.html static/*
var files embed.FS

// pages are the pages for people. They are safe for use by many requests.
type pages struct {
	o         Options
	view      *view.Reader
	base      string // path of the external URL, without a slash at the end
	templates map[string]*template.Template
}

// newPages reads the templates.
func newPages(o Options, reader *view.Reader) (*pages, error) {
	templates, err := parse()
	if err != nil {
		return nil, err
	}
	return &pages{o: o, view: reader, base: strings.TrimRight(o.ExternalURL.EscapedPath(), "/"), templates: templates}, nil
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
		t, err := template.New("layout.html").ParseFS(files, layout, name)
		if err != nil {
			return nil, err
		}
		templates[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return templates, nil
}

// render writes a page whole or not at all.
func (h *pages) render(w http.ResponseWriter, code int, page, title string, data any) {
	h.execute(w, code, page, "layout.html", h.frame(page, title, data))
}

// fragment writes a part of a page, which the page fetches.
func (h *pages) fragment(w http.ResponseWriter, code int, part string, data any) {
	h.execute(w, code, part, "content", frame{Base: h.base, Data: data})
}

func (h *pages) execute(w http.ResponseWriter, code int, page, template string, f frame) {
	var b bytes.Buffer
	if err := h.templates[page].ExecuteTemplate(&b, template, f); err != nil {
		h.o.Logger.Error("A page could not be rendered", "page", page, "err", err)
		plain(w, http.StatusInternalServerError, "The page could not be rendered; the log says why.")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = b.WriteTo(w)
}

// static serves what the pages need besides themselves.
func (h *pages) static(w http.ResponseWriter, r *http.Request) {
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
