package push

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/discovery"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
)

const (
	// indexAge bounds the age of the index of instances. indexPause is the shortest time
	// between two indexes for unknown instances.
	indexAge   = time.Minute
	indexPause = 10 * time.Second
)

// profile is one profile of a request.
type profile struct {
	labels labels.Labels
	kind   collector.ProfileKind
	// at is when it was taken, unless the profile has a time of its own.
	at  time.Time
	raw []byte
}

// route passes a profile to the backend and counts the result. The problem is for the answer.
func (h *Handler) route(r *request, p profile) *problem {
	used, problem := h.take(r, p)
	switch {
	case problem != nil:
		h.dropped(r.Request, problem, p.labels)
		if problem.reason == ReasonUnknown && r.config.Sharded {
			return nil // another shard may watch it
		}
	case used:
		h.metrics.profiles.WithLabelValues("used").Inc()
	default:
		h.metrics.profiles.WithLabelValues("unneeded").Inc()
	}
	return problem
}

func (h *Handler) take(r *request, p profile) (used bool, _ *problem) {
	if p.kind == kindOther {
		return false, drop(ReasonOtherKind, "not a goroutine profile")
	}
	b := labels.NewBuilder(p.labels)
	if !relabel.ProcessBuilder(b, r.config.Relabel...) {
		return false, drop(ReasonRelabel, "dropped by profiles.push.relabel_configs")
	}
	ls := b.Labels()
	if !h.senders.admitSeries(r.now, r.sender, ls.Hash(), r.config.SenderSeries) {
		return false, drop(ReasonSeries, "the sender has more label sets than profiles.push.sender_series allows")
	}
	instance, err := h.find(r, ls)
	if err != nil {
		reason := ReasonUnknown
		if collector.ReasonOf(err) == collector.ReasonAmbiguous {
			reason = ReasonAmbiguous
		}
		return false, drop(reason, err.Error()+": "+human.Line(ls.String(), 300))
	}
	decode := func(ctx context.Context) (*collector.Profile, error) { return decode(ctx, p, r.config.Limits) }
	if p.kind == kindUnknown {
		decoded, err := decode(r.Context())
		if err != nil {
			return false, problemOf(err, true)
		}
		p.kind = decoded.Kind
		decode = func(context.Context) (*collector.Profile, error) { return decoded, nil }
	}
	used, err = h.o.Backend.Push(r.Context(), r.now, profiling.Push{Instance: instance, Kind: p.kind, Decode: decode})
	if err != nil {
		return false, problemOf(err, false)
	}
	return used, nil
}

// decode decodes a profile of the announced kind.
func decode(ctx context.Context, p profile, limits pprof.Limits) (*collector.Profile, error) {
	decoded, err := pprof.ParseContext(ctx, bytes.NewReader(p.raw), p.at, limits)
	switch {
	case err != nil:
		return nil, err
	case decoded.Format != collector.FormatProto:
		return nil, collector.Errorf(collector.ReasonNotProfile, "that is a text, expected a profile in pprof's format")
	case p.kind != kindUnknown && decoded.Kind != p.kind:
		return nil, collector.Errorf(collector.ReasonNotProfile, "that is a %s profile, announced as a %s profile", decoded.Kind, p.kind)
	}
	decoded.Raw, decoded.Size = p.raw, len(p.raw)
	return decoded, nil
}

// problemOf says what an error means for the sender. unannounced means that only the profile
// itself shows its kind.
func problemOf(err error, unannounced bool) *problem {
	for _, x := range []struct {
		err    error
		reason Reason
	}{
		{profiling.ErrReplayed, ReasonReplayed}, {profiling.ErrOutOfOrder, ReasonOutOfOrder},
		{profiling.ErrTooOld, ReasonTooOld}, {profiling.ErrFuture, ReasonFuture},
	} {
		if errors.Is(err, x.err) {
			return drop(x.reason, err.Error())
		}
	}
	reason, text := ReasonBadProfile, human.Line(err.Error(), 300)
	switch collector.ReasonOf(err) {
	case collector.ReasonNotProfile:
		if unannounced {
			reason = ReasonOtherKind
		}
	case collector.ReasonTooLarge:
		reason = ReasonTooLarge
	case collector.ReasonBudget, collector.ReasonTimeout:
		reason = ReasonBusy
	case collector.ReasonCanceled:
		reason = ReasonCanceled
	}
	return drop(reason, text)
}

// find returns the watched instance of a profile. If the index does not have it, find makes a
// new index, but not often.
func (h *Handler) find(r *request, ls labels.Labels) (labels.Labels, error) {
	index, age := h.instances(r, indexAge)
	instance, err := index.Find(ls)
	if err != nil && age >= indexPause {
		index, _ = h.instances(r, indexPause)
		instance, err = index.Find(ls)
	}
	return instance, err
}

// instances returns the index of the watched instances, younger than most, and its age.
func (h *Handler) instances(r *request, most time.Duration) (*discovery.Instances, time.Duration) {
	h.mtx.Lock()
	defer h.mtx.Unlock()
	if age := r.now.Sub(h.made); h.index == nil || age >= most {
		h.index, h.made = discovery.NewInstances(r.config.Match, h.o.Backend.WatchedInstances()), r.now
	}
	return h.index, r.now.Sub(h.made)
}
