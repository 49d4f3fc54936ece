package collector

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// ScrapeTarget is what a Prometheus scrapes.
type ScrapeTarget struct {
	// Labels are those that its series have.
	Labels labels.Labels
	// Scheme and Host (with port) of its metrics.
	Scheme, Host string
	// Unreachable: nothing listened there at the last scrape. A scrape that fails
	// in another way, as by a timeout, is no such thing.
	Unreachable bool
}

// Presence is what is known of whether an instance is still there.
type Presence string

// What is known of an instance.
const (
	PresenceUnknown Presence = "" // nobody can say
	// PresencePresent: it is a target, and somebody answers or may answer there.
	PresencePresent Presence = "present"
	// PresenceUnlisted: no list of targets has it, and all could be read. Of an
	// instance that was on one before, that says that it is gone; others come from
	// elsewhere, as by remote write or federation.
	PresenceUnlisted Presence = "unlisted"
	// PresenceGone: its pod is deleted, or nothing listens at its address any more.
	PresenceGone Presence = "gone"
)

// Target is where the profiles of one instance are had.
type Target struct {
	// URL is the goroutine profile's, e.g.
	// http://10.0.0.7:8080/debug/pprof/goroutine, without query.
	URL *url.URL
	// Client authorises with the target.
	Client *http.Client
	// NoLeakProfile: it is not to be asked for its goroutineleak profile, which
	// costs it a garbage collection.
	NoLeakProfile bool
}

// TargetFinder finds where the profiles of an instance are had, from the
// labels of its series. Its errors have a Reason and say in plain words why
// there is no target.
type TargetFinder interface {
	Find(ctx context.Context, now time.Time, instance labels.Labels) (Target, error)
}

// ProfileFetcher gets a goroutine profile (of KindGoroutine: debug 0 is proto,
// 1 and 2 are text), bounded in time and bytes.
type ProfileFetcher interface {
	Fetch(ctx context.Context, client *http.Client, u *url.URL, kind ProfileKind, debug int) (*Profile, error)
}
