package discovery

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// Presence combines service discovery and the list of what Prometheus scrapes. It requests the
// list, unless that is recent.
//
// Static targets of the configuration do not count: they stay whatever runs there.
func (f *Finder) Presence(ctx context.Context, now time.Time, instance labels.Labels) collector.Presence {
	found := collector.PresenceUnlisted
	asked := false // anybody at all
	if f.o.Discovered != nil {
		found, asked = f.o.Discovered.presence(now, instance)
		if found == collector.PresenceGone {
			return found
		}
	}
	if f.o.Scraped != nil {
		switch scraped := f.presence(ctx, now, instance); {
		case scraped == collector.PresenceGone:
			return scraped
		case scraped == noList:
		case found == collector.PresencePresent || scraped == collector.PresencePresent:
			return collector.PresencePresent
		case scraped == collector.PresenceUnknown:
			return scraped
		default:
			asked = true
		}
	}
	if f.o.Own != nil {
		switch own := f.scrapedByUs(ctx, instance); own {
		case collector.PresenceUnlisted:
			asked = true
		default:
			return own
		}
	}
	if !asked {
		return collector.PresenceUnknown
	}
	return found
}

// scrapedByUs returns the presence according to gorowatch's own scraping. The instance has the
// labels of its target.
func (f *Finder) scrapedByUs(ctx context.Context, instance labels.Labels) collector.Presence {
	targets, err := f.o.Own.Targets(ctx)
	if err != nil {
		return collector.PresenceUnknown
	}
	for _, t := range targets {
		switch {
		case !labels.Equal(t.Labels, instance):
		case t.Unreachable:
			return collector.PresenceGone
		default:
			return collector.PresencePresent
		}
	}
	return collector.PresenceUnlisted
}

// noList is the answer of an engine that scrapes nothing itself.
const noList collector.Presence = "no list"

// presence returns the presence according to Prometheus' list. An empty list does not count:
// Prometheus may have just started, or may only receive remote writes.
func (f *Finder) presence(ctx context.Context, now time.Time, instance labels.Labels) collector.Presence {
	f.asking.Lock()
	defer f.asking.Unlock()
	id := identity(instance)
	if _, age := f.lookup(id, now); age >= f.o.MaxAge {
		f.refresh(ctx, now)
	}
	f.mtx.Lock()
	defer f.mtx.Unlock()
	if f.listErr != nil {
		if collector.ReasonOf(f.listErr) == collector.ReasonNotFound {
			return noList
		}
		return collector.PresenceUnknown
	}
	same := f.places(id)
	switch {
	case len(f.list) == 0:
		return noList
	case len(same) == 0:
		return collector.PresenceUnlisted
	case slices.ContainsFunc(same, func(p place) bool { return !p.unreachable }):
		return collector.PresencePresent
	}
	return collector.PresenceGone
}

// presence returns the presence according to service discovery; some reports whether it has any
// targets. A set that has lost all of its targets, or has more than its limit, does not show
// that one is gone.
func (w *Watcher) presence(now time.Time, instance labels.Labels) (found collector.Presence, some bool) {
	w.mtx.RLock()
	defer w.mtx.RUnlock()
	if _, gone := w.gone(instance); gone {
		return collector.PresenceGone, true
	}
	pod := podID{instance.Get("namespace"), instance.Get("pod")}
	found = collector.PresenceUnlisted
	for _, f := range w.sets {
		if f.pods.here[pod] && f.live(now, w.o.Hold) {
			return collector.PresencePresent, true
		}
		if e, err := f.find(instance); e != nil || err != nil {
			if f.live(now, w.o.Hold) {
				return collector.PresencePresent, true
			}
		}
		if !f.emptied.IsZero() || f.over > 0 || len(f.groups) == 0 {
			found = collector.PresenceUnknown
		}
	}
	return found, len(w.sets) > 0
}
