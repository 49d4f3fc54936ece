package apiv1

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// Bounds on the profiles that are read for one answer.
const (
	maxLoaded   = 24 // profiles
	maxCounted  = 8  // stacks
	loadsAtOnce = 4
)

// leakStacks sends the counts of the growing stacks over time, from the profiles of the
// instance that the leak is compared on.
func (h *Handler) leakStacks(w http.ResponseWriter, r *http.Request) {
	l, ok := h.leakOf(w, r)
	if !ok {
		return
	}
	a := v1.StackCounts{Times: v1.Numbers{}, Total: v1.Numbers{}, Keys: []string{}, Stacks: []v1.StackCount{}}
	if l.Base == nil || l.Head == nil || !h.view.HasArchive() {
		h.json.Send(w, r, a)
		return
	}
	release, err := h.view.Reserve(r.Context())
	if err != nil {
		h.json.Refuse(w, http.StatusServiceUnavailable, envelope.Unavailable, err.Error())
		return
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), view.LoadTimeout)
	defer cancel()
	a.Instance = human.Line(l.Head.Instance, view.MaxName)
	refs, err := h.view.ServiceProfiles(ctx, l.Service, l.Base.Time.Add(-l.Head.Time.Sub(l.Base.Time)/4), l.Head.Time)
	if err != nil {
		h.json.Refuse(w, http.StatusBadGateway, envelope.Unavailable, h.view.ArchiveProblem(err, "list", l.ID))
		return
	}
	refs = slices.DeleteFunc(refs, func(ref leak.ProfileRef) bool { return ref.Instance != l.Head.Instance })
	refs = sampleProfiles(refs, l)

	snapshots := make([]*stack.Snapshot, len(refs))
	var mtx sync.Mutex
	var group errgroup.Group
	group.SetLimit(loadsAtOnce)
	for i, ref := range refs {
		group.Go(func() error {
			p, err := h.view.LoadProfile(ctx, ref.Key)
			if err == nil {
				snapshots[i] = stack.Of(p)
				return nil
			}
			mtx.Lock()
			defer mtx.Unlock()
			a.Unread++
			a.Problem = h.view.ArchiveProblem(err, "load", ref.Key)
			return nil
		})
	}
	_ = group.Wait()

	for _, s := range l.Stacks[:min(len(l.Stacks), maxCounted)] {
		name := strings.TrimSpace(human.Func(s.Key.Func, 80) + " " + human.Place(s.Key.File, s.Key.Line))
		a.Stacks = append(a.Stacks, v1.StackCount{Signature: human.Line(s.Signature, view.MaxName), Name: human.Line(fmt.Sprintf("%s (%s)", name, s.Op), view.MaxFunc), Counts: v1.Numbers{}})
	}
	for i, snapshot := range snapshots {
		if snapshot == nil {
			continue
		}
		a.Times, a.Total, a.Keys = append(a.Times, seconds(refs[i].Time)), append(a.Total, float64(snapshot.Total)), append(a.Keys, refs[i].Key)
		for k := range a.Stacks {
			n := 0.0
			if st := snapshot.Stacks[l.Stacks[k].Signature]; st != nil {
				n = float64(st.Count)
			}
			a.Stacks[k].Counts = append(a.Stacks[k].Counts, n)
		}
	}
	h.json.Send(w, r, a)
}

// sampleProfiles returns at most maxLoaded of the profiles, evenly spread, among
// them the two that the leak is compared by.
func sampleProfiles(refs []leak.ProfileRef, l leak.Leak) []leak.ProfileRef {
	if len(refs) <= maxLoaded {
		return refs
	}
	var out []leak.ProfileRef
	next := 0.0
	for i, ref := range refs {
		if named := ref.Key == l.Base.Key || ref.Key == l.Head.Key; named || float64(i) >= next {
			out = append(out, ref)
			if !named {
				next += float64(len(refs)) / float64(maxLoaded-2)
			}
		}
	}
	return out
}
