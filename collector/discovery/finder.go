package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// Static is a target of the configuration. It belongs to the instance that has all of Labels.
// If these have no instance label, the instance must be on the host of Address.
type Static struct {
	Address string // host:port
	Labels  labels.Labels
	Access  Access
}

// Rule is the access to discovered targets with certain labels.
type Rule struct {
	Matchers []*labels.Matcher
	Access   Access
}

// Scraped lists what Prometheus scrapes.
type Scraped interface {
	Targets(ctx context.Context) ([]collector.ScrapeTarget, error)
}

// Options of a Finder. Client is required.
type Options struct {
	// Client is for targets that no rule matches.
	Client *http.Client
	Static []Static
	// Rules of access to discovered targets. The first one that matches counts.
	Rules []Rule
	// Discovered has the targets of service discovery; it may be nil. It comes before Scraped.
	Discovered *Watcher
	// Scraped has the targets of Prometheus. It may be nil.
	Scraped Scraped
	// Own lists the targets that gorowatch scrapes itself, for Presence; nil: none.
	Own Scraped
	// MaxAge is how old the list of Scraped may get, 1 minute by default. For an instance that
	// is not on it, the list is read again after a tenth of that.
	MaxAge time.Duration
}

// Finder implements collector.TargetFinder.
type Finder struct {
	o Options

	asking sync.Mutex // held during a request for the list, so that there is only one

	mtx     sync.Mutex
	asked   time.Time // when the list was requested last
	listErr error     // of that request; the earlier list stays
	list    []place   // by identity
}

// place is the address at which Prometheus scrapes an instance. There may be tens of thousands,
// so it keeps labels only if several have the same identity.
type place struct {
	identity     uint64
	scheme, host string
	labels       labels.Labels
	unreachable  bool
}

// New makes a Finder.
func New(o Options) (*Finder, error) {
	if o.Client == nil {
		return nil, errors.New("discovery: Client is required")
	}
	if o.MaxAge <= 0 {
		o.MaxAge = time.Minute
	}
	return &Finder{o: o}, nil
}

// Find implements collector.TargetFinder.
func (f *Finder) Find(ctx context.Context, now time.Time, instance labels.Labels) (collector.Target, error) {
	return f.find(ctx, now, instance, true)
}

// Known returns what Find would return, without any request.
func (f *Finder) Known(now time.Time, instance labels.Labels) (collector.Target, error) {
	return f.find(context.Background(), now, instance, false)
}

func (f *Finder) find(ctx context.Context, now time.Time, instance labels.Labels, ask bool) (collector.Target, error) {
	s, err := f.locate(ctx, now, instance, ask)
	if err != nil {
		return collector.Target{}, err
	}
	return s.target(), nil
}

// spot is the place of the profiles of an instance: an endpoint of service discovery, or an
// address.
type spot struct {
	endpoint        *Endpoint
	access          Access
	scheme, address string
}

func (s spot) target() collector.Target {
	if s.endpoint != nil {
		return s.endpoint.target
	}
	return s.access.target(s.scheme, s.address)
}

// locate finds the spot of an instance.
func (f *Finder) locate(ctx context.Context, now time.Time, instance labels.Labels, ask bool) (spot, error) {
	if s := f.static(instance); s != nil {
		return s.spot(), nil
	}
	who := "the configuration has"
	if f.o.Discovered != nil {
		e, err := f.o.Discovered.find(now, instance)
		switch {
		case err != nil:
			return spot{}, err
		case e != nil && e.Err != nil:
			return spot{}, e.Err
		case e != nil:
			return spot{endpoint: e}, nil
		}
		if names := f.o.Discovered.names(); names != "" {
			who = "service discovery (" + names + ") finds"
		}
	}
	if f.o.Scraped == nil {
		return spot{}, missing(who, instance)
	}
	scraped, err := f.scraped(ctx, now, instance, ask)
	if err != nil {
		return spot{}, err
	}
	access := Access{Client: f.o.Client}
	for _, r := range f.o.Rules {
		if labels.Selector(r.Matchers).Matches(instance) {
			access = r.Access
			break
		}
	}
	if err := access.allowed(scraped.host); err != nil {
		return spot{}, err
	}
	return spot{access: access, scheme: scraped.scheme, address: scraped.host}, nil
}

// static returns the target of the configuration for an instance; nil: none. One with the same
// address comes before others on its host.
func (f *Finder) static(instance labels.Labels) (found *Static) {
	for i := range f.o.Static {
		s := &f.o.Static[i]
		if !s.matches(instance) {
			continue
		}
		if s.Address == instance.Get("instance") || s.Labels.Has("instance") {
			return s
		}
		if found == nil {
			found = s
		}
	}
	return found
}

// Gone returns since when the pod of an instance is gone, if service discovery found it before
// and no longer does. It makes no request.
func (f *Finder) Gone(instance labels.Labels) (since time.Time, gone bool) {
	if f.o.Discovered == nil {
		return time.Time{}, false
	}
	return f.o.Discovered.Gone(instance)
}

// Asked reports whether each source of targets was read at least once.
func (f *Finder) Asked() bool {
	f.mtx.Lock()
	defer f.mtx.Unlock()
	return f.o.Scraped == nil || !f.asked.IsZero()
}

// Unused returns the static targets and those of service discovery whose URL is not in used:
// they belong to no instance.
func (f *Finder) Unused(now time.Time, used map[string]bool) (out []*Endpoint) {
	for _, s := range f.o.Static {
		target := s.spot().target()
		if !used[collector.RedactURL(target.URL)] {
			out = append(out, &Endpoint{Set: "static", Labels: s.Labels, target: target})
		}
	}
	if f.o.Discovered == nil {
		return out
	}
	for _, e := range f.o.Discovered.Endpoints(now) {
		if e.Err != nil || !used[collector.RedactURL(e.target.URL)] {
			out = append(out, e)
		}
	}
	return out
}

// scraped looks the instance up in Prometheus' list, and requests a new list if it may.
func (f *Finder) scraped(ctx context.Context, now time.Time, instance labels.Labels, ask bool) (place, error) {
	id := identity(instance)
	if ask {
		f.asking.Lock()
		defer f.asking.Unlock()
		if same, age := f.lookup(id, now); age >= f.o.MaxAge || len(same) == 0 && age >= f.o.MaxAge/10 {
			f.refresh(ctx, now)
		}
	}
	f.mtx.Lock()
	defer f.mtx.Unlock()
	same := f.places(id)
	switch {
	case len(same) > 0:
		return closest(same, instance)
	case f.asked.IsZero():
		return place{}, collector.Errorf(collector.ReasonNoTarget, "not looked up yet")
	case f.listErr != nil:
		return place{}, &collector.Error{Reason: collector.ReasonOf(f.listErr), Err: fmt.Errorf("its address cannot be looked up: %w", f.listErr)}
	}
	return place{}, missing("Prometheus scrapes", instance)
}

// lookup returns what the list has for an identity, and how old the list is.
func (f *Finder) lookup(id uint64, now time.Time) ([]place, time.Duration) {
	f.mtx.Lock()
	defer f.mtx.Unlock()
	if f.asked.IsZero() {
		return nil, f.o.MaxAge
	}
	return f.places(id), now.Sub(f.asked)
}

// places returns those of an identity. The caller holds mtx.
func (f *Finder) places(id uint64) []place {
	from, found := slices.BinarySearchFunc(f.list, id, func(p place, id uint64) int { return cmp.Compare(p.identity, id) })
	if !found {
		return nil
	}
	to := from + 1
	for to < len(f.list) && f.list[to].identity == id {
		to++
	}
	return f.list[from:to]
}

// refresh requests the list. The caller holds asking.
func (f *Finder) refresh(ctx context.Context, now time.Time) {
	targets, err := f.o.Scraped.Targets(ctx)
	f.mtx.Lock()
	defer f.mtx.Unlock()
	f.asked, f.listErr = now, err
	if err != nil {
		return
	}
	f.list = make([]place, len(targets))
	for i, t := range targets {
		f.list[i] = place{identity(t.Labels), t.Scheme, t.Host, t.Labels, t.Unreachable}
	}
	slices.SortStableFunc(f.list, func(a, b place) int { return cmp.Compare(a.identity, b.identity) })
	for from := 0; from < len(f.list); {
		same := f.places(f.list[from].identity)
		if from += len(same); len(same) == 1 {
			same[0].labels = labels.EmptyLabels()
		}
	}
}

// closest returns the target that agrees with the instance in the most labels. Several targets
// of a job have the same instance label if that is the name of a node. If two fit equally, it
// returns neither.
func closest(same []place, instance labels.Labels) (place, error) {
	if len(same) == 1 {
		return same[0], nil
	}
	most := -1
	var best place
	var addresses []string
	for _, p := range same {
		n := 0
		p.labels.Range(func(l labels.Label) {
			if instance.Get(l.Name) == l.Value {
				n++
			}
		})
		if n < most {
			continue
		}
		if n > most {
			most, best, addresses = n, p, nil
		}
		if address := p.scheme + "://" + p.host; !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	if len(addresses) > 1 {
		return best, ambiguous("scraped by Prometheus", addresses)
	}
	return best, nil
}

// identity hashes the labels that series and targets of an instance have in common at least.
func identity(ls labels.Labels) uint64 {
	h, _ := ls.HashForLabels(nil, "instance", "job")
	return h
}

func (s Static) spot() spot { return spot{access: s.Access, scheme: "http", address: s.Address} }

func (s Static) matches(instance labels.Labels) bool {
	all := true
	s.Labels.Range(func(l labels.Label) {
		all = all && instance.Get(l.Name) == l.Value
	})
	if !all || s.Labels.Has("instance") {
		return all
	}
	return host(instance.Get("instance")) == host(s.Address)
}
