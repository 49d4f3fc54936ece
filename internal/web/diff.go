package web

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/pprofui"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/internal/web/calltree"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/leak"
)

// profileKey tells whether a key may be that of a profile: the bucket holds
// more than profiles, and may be a folder of the disk.
func profileKey(key string) bool {
	return fs.ValidPath(key) && strings.HasPrefix(key, "profiles/") && !strings.ContainsAny(key, "\\\x00") && len(key) <= maxLink
}

// two are profiles to compare.
type two struct {
	baseKey, headKey string
	base, head       *collector.Profile // base is nil without a key
}

// errKey: that is no key.
var errKey = errors.New("expected the key of a profile, profiles/…")

// maxReaders is how many requests read profiles at a time; the others wait.
const maxReaders = 4

// errBusy: others read profiles, for too long to wait for.
var errBusy = errors.New("too many profiles are being read at the moment")

// reading waits for a place to read profiles; leave gives it back.
func (h *Handler) reading(ctx context.Context) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	select {
	case h.places <- struct{}{}:
		return func() { <-h.places }, nil
	case <-ctx.Done():
		return nil, errBusy
	}
}

// compared waits for a place and reads both profiles. The caller leaves the place
// when it has no more use for them, after an error too.
func (h *Handler) compared(ctx context.Context, base, head string) (t two, leave func(), err error) {
	leave, err = h.reading(ctx)
	if err != nil {
		return t, func() {}, err
	}
	t, err = h.load(ctx, base, head)
	return t, leave, err
}

// load reads both profiles. The caller has a place to.
func (h *Handler) load(ctx context.Context, base, head string) (t two, err error) {
	t = two{baseKey: base, headKey: head}
	if !profileKey(head) {
		return t, fmt.Errorf("head: %w", errKey)
	}
	if base != "" && !profileKey(base) {
		return t, fmt.Errorf("base: %w", errKey)
	}
	if h.o.Profiles == nil {
		return t, fs.ErrNotExist
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		t.head, err = h.o.Profiles.LoadProfile(ctx, head)
		return err
	})
	if base != "" {
		group.Go(func() (err error) {
			t.base, err = h.o.Profiles.LoadProfile(ctx, base)
			return err
		})
	}
	return t, group.Wait()
}

// loadProblem is how a request for a comparison is refused.
func (h *Handler) loadProblem(err error, keys string) (code int, kind envelope.ErrorType, text string) {
	switch {
	case errors.Is(err, errKey):
		return http.StatusBadRequest, envelope.BadData, err.Error()
	case errors.Is(err, errBusy):
		return http.StatusServiceUnavailable, envelope.Unavailable, err.Error()
	case errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound, envelope.NotFound, h.bucketProblem(err, "load", keys)
	}
	return http.StatusBadGateway, envelope.Unavailable, h.bucketProblem(err, "load", keys)
}

func newProfileOf(key string, p *collector.Profile) *v1.ProfileOf {
	if p == nil {
		return nil
	}
	return &v1.ProfileOf{Key: key, Time: p.Time.UTC(), Goroutines: p.Total}
}

// v1.Diff is the difference of two profiles as a list and as a tree.
func (h *Handler) apiDiff(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	t, leave, err := h.compared(r.Context(), q.Get("base"), q.Get("head"))
	defer leave()
	if err != nil {
		code, kind, text := h.loadProblem(err, q.Get("head"))
		h.json.Refuse(w, code, kind, text)
		return
	}
	base, head := snapshots(t)
	a := v1.Diff{Base: newProfileOf(t.baseKey, t.base), Head: newProfileOf(t.headKey, t.head), Growth: head.Total - base.Total, Stacks: []v1.Stack{}}
	stacks, more := mostChanged(stack.Diff(base, head))
	for _, x := range stacks {
		s := v1.NewStack(x.StackGrowth)
		s.Labels = x.labels
		a.Stacks = append(a.Stacks, s)
	}
	a.More = more
	a.Root, a.Folded = calltree.Of(base, head)
	h.json.Send(w, r, a)
}

func snapshots(t two) (base, head *stack.Snapshot) {
	base = &stack.Snapshot{}
	if t.base != nil {
		base = stack.Of(t.base)
	}
	return base, stack.Of(t.head)
}

// changed is a change as leaks have it, with the pprof labels that its
// goroutines share: those are for who looks at profiles, and no part of leaks.
type changed struct {
	leak.StackGrowth
	labels map[string]string
}

// mostChanged are the first of the changes, and how many more there are.
func mostChanged(deltas []stack.Delta) (stacks []changed, more int) {
	var grown int64
	for _, d := range deltas {
		grown += max(d.Growth(), 0)
	}
	shown := deltas[:min(len(deltas), maxStacks)]
	for _, d := range shown {
		s := leak.StackGrowth{
			Signature: d.Signature, Op: d.Op, Frames: d.Calls(), Key: d.Key, CreatedBy: d.CreatedBy,
			Base: d.Base, Head: d.Head, Wait: d.Wait,
		}
		if d.Growth() > 0 {
			s.Share = float64(d.Growth()) / float64(grown)
		}
		stacks = append(stacks, changed{s, d.Labels})
	}
	return stacks, len(deltas) - len(shown)
}

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
	t, leave, err := h.compared(r.Context(), q.Get("base"), q.Get("head"))
	defer leave()
	if err != nil {
		code, _, text := h.loadProblem(err, q.Get("head"))
		h.fragment(w, code, "table", tablePart{Problem: text})
		return
	}
	base, head := snapshots(t)
	stacks, more := mostChanged(stack.Diff(base, head))
	p := tablePart{More: more, Base: human.Count(base.Total), Head: human.Count(head.Total), Change: human.Change(head.Total - base.Total)}
	for _, x := range stacks {
		row := newStackRow(x.StackGrowth, func(collector.Frame) string { return "" })
		for _, name := range slices.Sorted(maps.Keys(x.labels)) {
			row.Labels = append(row.Labels, pair{human.Line(name, maxName), human.Line(x.labels[name], maxName)})
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
	s, _, ok := h.findService(r.PathValue("id"))
	if !ok {
		h.fragment(w, http.StatusNotFound, "picker", pickerPart{Problem: "there is no such service"})
		return
	}
	p := pickerPart{Action: h.base + "/compare"}
	var refs []leak.ProfileRef
	if h.o.Profiles != nil {
		ctx, cancel := context.WithTimeout(r.Context(), listTimeout)
		defer cancel()
		var err error
		if refs, err = h.o.Profiles.ServiceProfiles(ctx, s.Labels, time.Time{}, h.o.Now().Add(time.Hour)); err != nil {
			h.fragment(w, http.StatusBadGateway, "picker", pickerPart{Problem: h.bucketProblem(err, "list", p.Action)})
			return
		}
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
	t, leave, err := h.compared(r.Context(), keyOfName(r.PathValue("base")), keyOfName(r.PathValue("head")))
	defer leave()
	if err != nil {
		code, _, text := h.loadProblem(err, r.PathValue("head"))
		plain(w, code, "The profiles cannot be compared: "+text+".")
		return
	}
	views, err := pprofui.New(t.base, t.head)
	if err != nil {
		h.logger.Warn("No view of pprof", "err", err)
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
