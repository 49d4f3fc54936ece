package discovery

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
)

// DefaultPath is where net/http/pprof is usually served.
const DefaultPath = "/debug/pprof/"

// Access says how to reach the profiles of a set of targets.
type Access struct {
	Scheme string // http or https; empty: as discovered, http for static targets
	Path   string // prefix of the profiles; empty: DefaultPath
	Port   int    // 0: as discovered
	Client *http.Client
	// NoLeakProfile and NoHeapProfile are the target's fields of these names.
	NoLeakProfile, NoHeapProfile bool
	// Allow reports whether a found target may be on a host, and get the Client's credentials;
	// nil: any host. It keeps credentials from whoever can make Prometheus or service discovery
	// name a target.
	Allow func(host string) bool
	// Name is the access's place in the configuration, for people: targets[2].
	Name string
}

// allowed returns why an address must not be asked; nil: it may be.
func (a Access) allowed(address string) error {
	if a.Allow == nil || a.Allow(host(address)) {
		return nil
	}
	return collector.Errorf(collector.ReasonNoTarget,
		"not asked: %s.allow does not name the host %q, so it does not get the credentials", a.Name, human(host(address)))
}

// human shortens a host for an error.
func human(host string) string {
	const most = 100
	if len(host) > most {
		return strings.ToValidUTF8(host[:most], "") + "…"
	}
	return host
}

// target makes the target at an address.
func (a Access) target(scheme, address string) collector.Target {
	return a.at(a.scheme(scheme), a.address(address, ""), a.profilePath())
}

func (a Access) scheme(found string) string { return cmp.Or(a.Scheme, found) }

// address replaces the port by that of the profiles, unless the target has chosen its port.
func (a Access) address(address, chosen string) string {
	if a.Port == 0 || chosen != "" {
		return address
	}
	return net.JoinHostPort(host(address), strconv.Itoa(a.Port))
}

// profilePath returns the path of the goroutine profile.
func (a Access) profilePath() string {
	return strings.TrimSuffix(cmp.Or(a.Path, DefaultPath), "/") + "/goroutine"
}

// absolute makes a path absolute. One that ends in a slash is the prefix of all profiles.
func (Access) absolute(path string) string {
	if strings.HasSuffix(path, "/") {
		path += "goroutine"
	}
	return "/" + strings.TrimPrefix(path, "/")
}

// at makes the target with the goroutine profile at a path.
func (a Access) at(scheme, address, path string) collector.Target {
	return collector.Target{
		URL:    &url.URL{Scheme: scheme, Host: address, Path: a.absolute(path)},
		Client: a.Client, NoLeakProfile: a.NoLeakProfile, NoHeapProfile: a.NoHeapProfile,
	}
}

// host returns the host of an address with or without port, an IPv6 address without its
// brackets.
func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return strings.Trim(addr, "[]")
}
