package pages

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"html"
	"net/http"
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/internal/pprofui"
)

// pprofName encodes a key as one segment of a path, which no proxy changes.
func pprofName(key string) string {
	if key == "" {
		return "-"
	}
	return base64.RawURLEncoding.EncodeToString([]byte(key))
}

// keyOfName decodes such a segment.
func keyOfName(name string) string {
	if name == "-" {
		return ""
	}
	key, err := base64.RawURLEncoding.DecodeString(name)
	if err != nil {
		return "?"
	}
	return string(key)
}

// pprofPolicy is the Content-Security-Policy of pprof's own pages, which have inline scripts and styles. The
// sandbox keeps them from everything that is not on the page.
const pprofPolicy = "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"

// pprof serves one of pprof's own views of a comparison.
func (h *Handler) pprof(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("view")
	if !slices.Contains(pprofui.Views, name) {
		h.showNotFound(w, r, "No such view", "Of pprof's views only "+strings.Join(pprofui.Views, ", ")+" are served here. The others look at files of the machine that they run on: run go tool pprof on yours.")
		return
	}
	two, release, err := h.view.ReadPair(r.Context(), keyOfName(r.PathValue("base")), keyOfName(r.PathValue("head")))
	defer release()
	if err != nil {
		code, text := h.view.PairProblem(err, r.PathValue("head"))
		http.Error(w, "Cannot compare the profiles: "+text+".", code)
		return
	}
	views, err := pprofui.New(two.Base, two.Head)
	if err != nil {
		h.o.Logger.Warn("Cannot show a pprof view", "err", err)
		code := http.StatusInternalServerError
		text := "pprof cannot show these profiles; the log says why."
		if errors.Is(err, pprofui.ErrTooLarge) {
			code, text = http.StatusRequestEntityTooLarge, "These profiles are too large for a page of pprof: run go tool pprof on your machine."
		}
		http.Error(w, text, code)
		return
	}
	w.Header().Set("Content-Security-Policy", pprofPolicy)
	w.Header().Set("Cache-Control", "no-store")
	back := &backLinkWriter{ResponseWriter: w, link: h.comparison(two.BaseKey, two.HeadKey).URL}
	views[name].ServeHTTP(back, r)
	back.finish()
}

// pprofHeader is how the header of pprof's pages begins.
const pprofHeader = `<div class="header">`

// hideUnserved hides the entries of pprof's menu for views and settings that are not served.
const hideUnserved = `<style>#graphbtn, #list, #disasm, #config, #download { display: none !important; }</style>`

// backLinkWriter buffers a page of pprof, and adds a link to the comparison from which it was opened.
type backLinkWriter struct {
	http.ResponseWriter
	link string
	code int
	page bytes.Buffer
}

func (w *backLinkWriter) WriteHeader(code int)        { w.code = code }
func (w *backLinkWriter) Write(b []byte) (int, error) { return w.page.Write(b) }

func (w *backLinkWriter) finish() {
	link := pprofHeader + hideUnserved + `<div class="title"><a href="` + html.EscapeString(w.link) + `">← gorowatch</a></div>`
	page := bytes.Replace(w.page.Bytes(), []byte(pprofHeader), []byte(link), 1)
	w.ResponseWriter.WriteHeader(cmp.Or(w.code, http.StatusOK))
	_, _ = w.ResponseWriter.Write(page)
}
