package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/internal/web/inbound"
)

// Hosts are the names under which requests are answered. A website can make
// its own name point at the address of gorowatch (DNS rebinding); the browser
// of a visitor then takes gorowatch for a part of that website and lets its
// scripts read and post. Such requests carry the name of the website.
type Hosts struct {
	exact    []string // in lower case, without a port
	suffixes []string // ".example.org"
	all      bool
}

// NewHosts returns the hosts that are answered: that of the external URL, and
// the allowed ones, each a name such as gorowatch.example.org, *.example.org
// for all names below it, or * for any.
func NewHosts(external *url.URL, allowed []string) (Hosts, error) {
	var h Hosts
	if external != nil {
		h.exact = append(h.exact, hostName(external.Host))
	}
	for _, a := range allowed {
		name := strings.TrimSuffix(strings.ToLower(a), ".")
		suffix, wild := strings.CutPrefix(name, "*.")
		switch {
		case a == "*":
			h.all = true
		case !isHostName(suffix):
			return Hosts{}, fmt.Errorf("%q is not a host, expected a name without scheme, port or path, e.g. gorowatch.example.org or *.example.org, or * for any", a)
		case wild:
			h.suffixes = append(h.suffixes, "."+suffix)
		default:
			h.exact = append(h.exact, name)
		}
	}
	return h, nil
}

func isHostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return false
		}
	}
	return true
}

// privateSuffixes end names that nobody can have in the public DNS: of this
// host, and of Kubernetes Services.
var privateSuffixes = []string{".localhost", ".svc", ".svc.cluster.local"}

// Allows tells whether a request to this host, as the Host header has it, can
// be answered. Besides the names of NewHosts, these are safe, because no
// website can have them: addresses, names without a dot such as localhost or
// gorowatch, and names of Kubernetes Services.
func (h Hosts) Allows(host string) bool {
	name := hostName(host)
	if h.all || !strings.Contains(name, ".") || slices.Contains(h.exact, name) {
		return true // an IPv6 address has no dot either
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	has := func(suffix string) bool { return strings.HasSuffix(name, suffix) }
	return slices.ContainsFunc(privateSuffixes, has) || slices.ContainsFunc(h.suffixes, has)
}

// hostName is a host without its port, brackets and final dot, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// Guard answers requests to any other host with 403, unless login says that
// gorowatch asks for a login: a browser sends that to no other name. login may
// be nil: there is none.
func (h Hosts) Guard(next http.Handler, login func() bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.Allows(r.Host) && (login == nil || !login()) {
			refuseHost(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refuseHost does not repeat the name: it is that of the attacker.
func refuseHost(w http.ResponseWriter) { plain(w, http.StatusForbidden, hostRefused) }

const hostRefused = "gorowatch does not answer under this host name, so that no website can read it through a visitor's browser. " +
	"If the name is yours, set --web.external-url to the address that people use, or add the name to --web.allowed-hosts."

// openPaths are answered under every name: probes and scrapes come by whatever
// name the platform has for the process.
var openPaths = []string{"/-/healthy", "/-/ready", "/metrics"}

// hostChecked answers only requests to hosts that are allowed, but for the open
// paths and the webhook, which checks its token first.
func (h *Handler) hostChecked(next http.Handler) http.Handler {
	guarded := h.hosts.Guard(next, h.o.Login)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(openPaths, r.URL.Path) || r.URL.Path == inbound.Path {
			next.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}
