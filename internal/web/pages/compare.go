package pages

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/pprofui"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// comparePage shows the difference of any two profiles.
type comparePage struct {
	Compare    comparison
	Base, Head *compareSide
	Table      string // address of the table, which a script fetches
	Swap       string // address of the same comparison the other way round
}

type compareSide struct {
	Name, URL string
	Time      stamp
}

func (h *Handler) compareSide(key string) *compareSide {
	if key == "" {
		return nil
	}
	row := &compareSide{Name: profileName(key), URL: h.profileURL(key)}
	if t, err := time.Parse("20060102T150405Z", strings.TrimSuffix(path.Base(key), ".pb.gz")); err == nil {
		row.Time = h.stamp(t)
		row.Time.Text = t.Format("2006-01-02 15:04:05 UTC") // the two may be of the same minute
	}
	return row
}

// profileName returns the service and the instance that are in the key of a profile.
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
		h.showNotFound(w, r, "Nothing to compare", "Two profiles are compared; pick them on the page of a service.")
		return
	}
	p := comparePage{
		Compare: c, Base: h.compareSide(base), Head: h.compareSide(head),
		Table: h.base + "/compare/table?" + url.Values{"base": {base}, "head": {head}}.Encode(),
	}
	if base != "" {
		p.Swap = h.comparison(head, base).URL
	}
	h.render(w, r, http.StatusOK, "compare", "Compare "+profileName(head), p)
}

// tablePart is the table of a comparison, which is a part of its page.
type tablePart struct {
	Problem    string // why there is no table
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
		h.fragment(w, r, code, "table", tablePart{Problem: text})
		return
	}
	base, head := two.Snapshots()
	changes, more := view.Changes(base, head)
	p := tablePart{More: more, Base: human.Count(base.Total), Head: human.Count(head.Total), Change: human.Change(head.Total - base.Total)}
	for _, x := range changes {
		row := newStackRow(x.StackGrowth, func(collector.Frame) string { return "" })
		row.addLabels(x.Shares)
		p.Stacks = append(p.Stacks, row)
	}
	h.fragment(w, r, http.StatusOK, "table", p)
}

// comparison has the links to the views of the difference of two profiles.
type comparison struct {
	URL     string // of the page; empty: there is nothing to compare
	Diff    string // address of the data of the flame graph
	Sources string // templates of the links to the source, as JSON; empty: there are none
	Command string // for go tool pprof; empty: there is only one profile
	Views   []pair // of pprof, name and address
}

// comparison makes the links for two profiles, of which base may be empty. It returns none if a key is not
// that of a profile.
func (h *Handler) comparison(base, head string) comparison {
	if !view.IsProfileKey(head) || (base != "" && !view.IsProfileKey(base)) {
		return comparison{}
	}
	q := url.Values{"head": {head}}
	if base != "" {
		q.Set("base", base)
	}
	c := comparison{
		URL:  h.base + "/compare?" + q.Encode(),
		Diff: h.base + "/api/v1/diff?" + q.Encode(),
	}
	if base != "" {
		c.Command = alerting.PprofCommand(alerting.ProfileURL(h.o.ExternalURL, base), alerting.ProfileURL(h.o.ExternalURL, head))
	}
	for _, view := range pprofui.Views {
		c.Views = append(c.Views, pair{view, h.base + "/pprof/" + pprofName(base) + "/" + pprofName(head) + "/" + view})
	}
	return c
}
