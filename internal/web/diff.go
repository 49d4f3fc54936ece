package web

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/pprofui"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// comparePage is the difference of any two profiles.
type comparePage struct {
	Compare    comparison
	Base, Head *comparedRow
	Table      string // where the table is had
	Swap       string
}

type comparedRow struct {
	Name, URL string
	Time      string
}

func (h *Handler) comparedRow(key string) *comparedRow {
	if key == "" {
		return nil
	}
	row := &comparedRow{Name: profileName(key), URL: h.profileURL(key)}
	if t, err := time.Parse("20060102T150405Z", strings.TrimSuffix(path.Base(key), ".pb.gz")); err == nil {
		row.Time = t.Format("2006-01-02 15:04:05 UTC")
	}
	return row
}

// profileName is what a key says of who was profiled.
func profileName(key string) string {
	dir := strings.TrimPrefix(path.Dir(key), "profiles/")
	var names []string
	for s := range strings.SplitSeq(dir, "/") {
		if name, err := url.PathUnescape(s); err == nil {
			s = name
		}
		names = append(names, s)
	}
	return human.Line(strings.Join(names, " / "), maxName)
}

func (h *Handler) compare(w http.ResponseWriter, r *http.Request) {
	base, head := r.URL.Query().Get("base"), r.URL.Query().Get("head")
	c := h.comparison(base, head)
	if c.URL == "" {
		h.lost(w, r, "Nothing to compare", "Two profiles are compared; pick them on the page of a service.")
		return
	}
	p := comparePage{
		Compare: c, Base: h.comparedRow(base), Head: h.comparedRow(head),
		Table: h.base + "/compare/table?" + url.Values{"base": {base}, "head": {head}}.Encode(),
	}
	if base != "" {
		p.Swap = h.comparison(head, base).URL
	}
	h.render(w, http.StatusOK, "compare", "Compare", p)
}

// tablePart is the table of a comparison, a part of its page.
type tablePart struct {
	Problem    string
	Base, Head string // goroutines
	Change     string
	Stacks     []stackRow
	More       int
}

func (h *Handler) compareTable(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	two, release, err := h.view.ReadPair(r.Context(), q.Get("base"), q.Get("head"))
	defer release()
	if err != nil {
		code, text := h.view.PairProblem(err, q.Get("head"))
		h.fragment(w, code, "table", tablePart{Problem: text})
		return
	}
	base, head := two.Snapshots()
	changes, more := view.Changes(base, head)
	p := tablePart{More: more, Base: human.Count(base.Total), Head: human.Count(head.Total), Change: human.Change(head.Total - base.Total)}
	for _, x := range changes {
		row := newStackRow(x.StackGrowth, func(collector.Frame) string { return "" })
		for _, name := range slices.Sorted(maps.Keys(x.Labels)) {
			row.Labels = append(row.Labels, pair{human.Line(name, maxName), human.Line(x.Labels[name], maxName)})
		}
		p.Stacks = append(p.Stacks, row)
	}
	h.fragment(w, http.StatusOK, "table", p)
}

// pickerPart lists the profiles of a service to pick two of, a part of its
// page.
type pickerPart struct {
	Problem  string
	Action   string
	Profiles []pickRow
	More     int
}

type pickRow struct{ Key, Words string }

// maxPicks is how many profiles can be picked from, the latest.
const maxPicks = 500

func (h *Handler) picker(w http.ResponseWriter, r *http.Request) {
	s, _, ok := h.view.Service(r.PathValue("id"))
	if !ok {
		h.fragment(w, http.StatusNotFound, "picker", pickerPart{Problem: "there is no such service"})
		return
	}
	p := pickerPart{Action: h.base + "/compare"}
	ctx, cancel := context.WithTimeout(r.Context(), view.ListTimeout)
	defer cancel()
	refs, err := h.view.ServiceProfiles(ctx, s.Labels, time.Time{}, h.o.Backend.Now().Add(time.Hour))
	if err != nil {
		h.fragment(w, http.StatusBadGateway, "picker", pickerPart{Problem: h.view.ArchiveProblem(err, "list", p.Action)})
		return
	}
	p.More = max(len(refs)-maxPicks, 0)
	for _, ref := range slices.Backward(refs[p.More:]) {
		p.Profiles = append(p.Profiles, pickRow{Key: ref.Key, Words: ref.Time.UTC().Format("2006-01-02 15:04:05 UTC") + "  " + human.Line(ref.Instance, 80)})
	}
	h.fragment(w, http.StatusOK, "picker", p)
}

// pprofName is a key as one segment of a path that no proxy changes.
func pprofName(key string) string {
	if key == "" {
		return "-"
	}
	return base64.RawURLEncoding.EncodeToString([]byte(key))
}

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

// pprofPolicy is for pprof's own pages, which have scripts and styles within.
// The sandbox keeps them from everything that is not on the page.
const pprofPolicy = "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"

// pprof serves one of pprof's own views of a comparison.
func (h *Handler) pprof(w http.ResponseWriter, r *http.Request) {
	view := r.PathValue("view")
	if !slices.Contains(pprofui.Views, view) {
		h.lost(w, r, "No such view", "Of pprof's views only "+strings.Join(pprofui.Views, ", ")+" are served here. The others look at files of the machine that they run on: run go tool pprof on yours.")
		return
	}
	two, release, err := h.view.ReadPair(r.Context(), keyOfName(r.PathValue("base")), keyOfName(r.PathValue("head")))
	defer release()
	if err != nil {
		code, text := h.view.PairProblem(err, r.PathValue("head"))
		plain(w, code, "The profiles cannot be compared: "+text+".")
		return
	}
	views, err := pprofui.New(two.Base, two.Head)
	if err != nil {
		h.o.Logger.Warn("No view of pprof", "err", err)
		code := http.StatusInternalServerError
		text := "pprof cannot show these profiles; the log says why."
		if errors.Is(err, pprofui.ErrTooLarge) {
			code, text = http.StatusRequestEntityTooLarge, "These profiles are too large for a page of pprof: run go tool pprof on your machine."
		}
		plain(w, code, text)
		return
	}
	w.Header().Set("Content-Security-Policy", pprofPolicy)
	w.Header().Set("Cache-Control", "no-store")
	views[view].ServeHTTP(w, r)
}
