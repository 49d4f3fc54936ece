package collector

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// ScrapeTarget is a target that a Prometheus scrapes.
type ScrapeTarget struct {
	// Labels are those of its series.
	Labels labels.Labels
	// Scheme and Host (with port) of its metrics.
	Scheme, Host string
	// Unreachable means that nothing listened there at the last scrape. Other failures of a
	// scrape, such as a timeout, do not count.
	Unreachable bool
}

// Presence says whether an instance still exists, as far as known.
type Presence string

// The values of Presence.
const (
	PresenceUnknown Presence = "" // nobody can say
	// PresencePresent: it is a target, and answers or may answer.
	PresencePresent Presence = "present"
	// PresenceUnlisted: no list of targets has it, and all could be read. An instance that was
	// on a list before is gone. Others come from elsewhere, as by remote write or federation.
	PresenceUnlisted Presence = "unlisted"
	// PresenceGone: its pod is deleted, or nothing listens at its address any more.
	PresenceGone Presence = "gone"
)

// Target is the endpoint of the profiles of one instance.
type Target struct {
	// URL is that of the goroutine profile, e.g. http://10.0.0.7:8080/debug/pprof/goroutine,
	// without query.
	URL *url.URL
	// Client logs in to the target.
	Client *http.Client
	// NoLeakProfile forbids requests for the goroutineleak profile, which costs the target a
	// garbage collection.
	NoLeakProfile bool
	// NoHeapProfile forbids requests for a heap profile.
	NoHeapProfile bool
}

// Refuses reports whether requests for a kind of profile are forbidden.
func (t Target) Refuses(k ProfileKind) bool {
	return k == KindGoroutineLeak && t.NoLeakProfile || k == KindHeap && t.NoHeapProfile
}

// TargetFinder finds the endpoint of an instance's profiles from the labels of its series. Its
// errors have a Reason and say in plain words why there is no target.
type TargetFinder interface {
	Find(ctx context.Context, now time.Time, instance labels.Labels) (Target, error)
}

// ProfileFetcher gets a goroutine profile, bounded in time and bytes. For KindGoroutine, debug
// 0 is proto, 1 and 2 are text.
type ProfileFetcher interface {
	Fetch(ctx context.Context, client *http.Client, u *url.URL, kind ProfileKind, debug int) (*Profile, error)
}
