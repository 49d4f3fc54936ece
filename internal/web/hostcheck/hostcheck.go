// Package hostcheck decides under which host names requests are answered.
//
// A website can make its own name point at the address of gorowatch (DNS rebinding). The
// browser of a visitor then takes gorowatch for a part of that website and lets its scripts
// read and post. Such requests carry the name of the website, so they can be refused.
//
// The package owns the list of allowed names and the refusal. It knows no paths: internal/web
// decides which of them are answered under every name, and internal/app guards the profiles of
// gorowatch itself with it. Names come from the command line.
package hostcheck

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Policy says under which names requests are answered.
type Policy struct {
	exact    []string // in lower case, without a port
	suffixes []string // ".example.org"
	all      bool
}

// New makes the policy that answers the host of the external URL and the allowed
// ones, each a name such as gorowatch.example.org, *.example.org for all names
// below it, or * for any.
func New(external *url.URL, allowed []string) (Policy, error) {
	var p Policy
	if external != nil {
		p.exact = append(p.exact, hostName(external.Host))
	}
	for _, a := range allowed {
		name := strings.TrimSuffix(strings.ToLower(a), ".")
		suffix, wild := strings.CutPrefix(name, "*.")
		switch {
		case a == "*":
			p.all = true
		case !isHostName(suffix):
			return Policy{}, fmt.Errorf("%q is not a host, expected a name without scheme, port or path, e.g. gorowatch.example.org or *.example.org, or * for any", a)
		case wild:
			p.suffixes = append(p.suffixes, "."+suffix)
		default:
			p.exact = append(p.exact, name)
		}
	}
	return p, nil
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

// privateSuffixes end names that nobody can have in the public DNS: those of this host, and of
// Kubernetes Services.
var privateSuffixes = []string{".localhost", ".svc", ".svc.cluster.local"}

// Allows reports whether a request to this host, as the Host header has it, may
// be answered. Besides the names of New, these are safe, because no website can
// have them: addresses, names without a dot such as localhost or gorowatch, and
// names of Kubernetes Services.
func (p Policy) Allows(host string) bool {
	name := hostName(host)
	if p.all || !strings.Contains(name, ".") || slices.Contains(p.exact, name) {
		return true // an IPv6 address has no dot either
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	has := func(suffix string) bool { return strings.HasSuffix(name, suffix) }
	return slices.ContainsFunc(privateSuffixes, has) || slices.ContainsFunc(p.suffixes, has)
}

// hostName returns a host without its port, brackets and final dot, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// Login knows whether gorowatch asks for a login.
type Login interface {
	// RequiresLogin reports whether all requests have passed a login.
	RequiresLogin() bool
}

// Trusts reports whether a request may be answered: it comes to an allowed host, or
// has passed a login, which a browser sends to no other name. login may be nil:
// there is none.
func (p Policy) Trusts(r *http.Request, login Login) bool {
	return p.Allows(r.Host) || login != nil && login.RequiresLogin()
}

// Guard answers requests that it does not trust with 403, and passes all others on.
func (p Policy) Guard(next http.Handler, login Login) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.Trusts(r, login) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, Refusal+"\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Refusal is the answer to a request under a name that is not allowed. It does not repeat the
// name, which an attacker may have chosen.
const Refusal = "gorowatch does not answer under this host name, so that no website can read it through a visitor's browser. " +
	"If the name is yours, set --web.external-url to the address that people use, or add the name to --web.allowed-hosts."
