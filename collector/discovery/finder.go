package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// DefaultPath is where net/http/pprof is usually served.
const DefaultPath = "/debug/pprof/"

// Access is how the profiles of a set of targets are had.
type Access struct {
	Scheme string // http or https; empty: as discovered, http for static targets
	Path   string // prefix of the profiles; empty: DefaultPath
	Port   int    // 0: as discovered
	Client *http.Client
	// NoLeakProfile is the target's field of that name.
	NoLeakProfile bool
}

// Static is a target of the configuration. It is that of an instance which has
// all of Labels; without an instance label among them, the instance must be on
// the host of Address.
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
	// Rules: the first that matches counts.
	Rules []Rule
	// Scraped may be nil: there are static targets alone.
	Scraped Scraped
	// MaxAge is how old the list of Scraped may be, 1 minute by default. For
	// an instance that is not on it, it is asked again after a tenth of that.
	MaxAge time.Duration
}

// Finder implements collector.TargetFinder.
type Finder struct {
	o Options

	mtx     sync.Mutex
	asked   time.Time                           // when the list was wanted last
	listErr error                               // of that time; the list before it stays
	list    map[string][]collector.ScrapeTarget // by identity
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
	for _, s := range f.o.Static {
		if s.matches(instance) {
			return s.Access.target("http", s.Address), nil
		}
	}
	if f.o.Scraped == nil {
		return collector.Target{}, collector.Errorf(collector.ReasonNoTarget, "no static target has the labels %s", instance)
	}
	scraped, err := f.scraped(ctx, now, instance)
	if err != nil {
		return collector.Target{}, err
	}
	access := Access{Client: f.o.Client}
	for _, r := range f.o.Rules {
		if labels.Selector(r.Matchers).Matches(instance) {
			access = r.Access
			break
		}
	}
	return access.target(scraped.URL.Scheme, scraped.URL.Host), nil
}

// scraped looks the instance up in Prometheus' list.
func (f *Finder) scraped(ctx context.Context, now time.Time, instance labels.Labels) (collector.ScrapeTarget, error) {
	f.mtx.Lock()
	defer f.mtx.Unlock()
	if f.asked.IsZero() || now.Sub(f.asked) >= f.o.MaxAge {
		f.refresh(ctx, now)
	}
	same := f.list[identity(instance)]
	if len(same) == 0 && now.Sub(f.asked) >= f.o.MaxAge/10 {
		f.refresh(ctx, now)
		same = f.list[identity(instance)]
	}
	switch {
	case len(same) > 0:
		return closest(same, instance), nil
	case f.listErr != nil:
		return collector.ScrapeTarget{}, &collector.Error{Reason: collector.ReasonOf(f.listErr), Err: fmt.Errorf("its address cannot be looked up: %w", f.listErr)}
	}
	return collector.ScrapeTarget{}, collector.Errorf(collector.ReasonNoTarget,
		"Prometheus scrapes no target with job=%q and instance=%q; add a static target for it", instance.Get("job"), instance.Get("instance"))
}

// refresh asks for the list. The caller holds mtx.
func (f *Finder) refresh(ctx context.Context, now time.Time) {
	targets, err := f.o.Scraped.Targets(ctx)
	f.asked, f.listErr = now, err
	if err != nil {
		return
	}
	f.list = make(map[string][]collector.ScrapeTarget, len(targets))
	for _, t := range targets {
		id := identity(t.Labels)
		f.list[id] = append(f.list[id], t)
	}
}

// closest is the target that agrees with the instance in the most labels:
// where instance is the name of a node, several of a job have the same.
func closest(targets []collector.ScrapeTarget, instance labels.Labels) collector.ScrapeTarget {
	agree := func(t collector.ScrapeTarget) (n int) {
		t.Labels.Range(func(l labels.Label) {
			if instance.Get(l.Name) == l.Value {
				n++
			}
		})
		return n
	}
	return slices.MaxFunc(targets, func(a, b collector.ScrapeTarget) int { return cmp.Compare(agree(a), agree(b)) })
}

// identity is what series and targets of an instance have in common at least.
func identity(ls labels.Labels) string {
	return ls.Get("job") + "\xff" + ls.Get("instance")
}

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

// host is that of an address with or without port, an IPv6 address without its
// brackets.
func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return strings.Trim(addr, "[]")
}

// target puts the URL of the profile together.
func (a Access) target(scheme, address string) collector.Target {
	if a.Scheme != "" {
		scheme = a.Scheme
	}
	if a.Port != 0 {
		address = net.JoinHostPort(host(address), strconv.Itoa(a.Port))
	}
	path := a.Path
	if path == "" {
		path = DefaultPath
	}
	u := &url.URL{Scheme: scheme, Host: address, Path: strings.TrimSuffix(path, "/") + "/goroutine"}
	return collector.Target{URL: u, Client: a.Client, NoLeakProfile: a.NoLeakProfile}
}
