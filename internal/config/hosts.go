package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ParseHosts reads patterns of hosts: a name, *.domain for all names below it,
// an address, or a network such as 10.0.0.0/8. The result reports whether a host
// without port is one of them. No name is looked up, so a name is never within a
// network.
func ParseHosts(patterns []string) (func(host string) bool, error) {
	var names, domains []string
	var networks []netip.Prefix
	for i, p := range patterns {
		name, below := strings.CutPrefix(p, "*.")
		prefix, perr := netip.ParsePrefix(p)
		addr, aerr := netip.ParseAddr(p)
		switch {
		case perr == nil:
			networks = append(networks, prefix.Masked())
		case aerr == nil && addr.Zone() == "":
			addr = addr.Unmap()
			networks = append(networks, netip.PrefixFrom(addr, addr.BitLen()))
		case !isHostName(name):
			return nil, hostError{i, p}
		case below:
			domains = append(domains, "."+hostName(name))
		default:
			names = append(names, hostName(name))
		}
	}
	return func(host string) bool {
		if addr, err := netip.ParseAddr(host); err == nil {
			addr = addr.Unmap().WithZone("")
			return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(addr) })
		}
		host = hostName(host)
		return slices.Contains(names, host) ||
			slices.ContainsFunc(domains, func(d string) bool { return len(host) > len(d) && strings.HasSuffix(host, d) })
	}, nil
}

// hostError reports an invalid host pattern.
type hostError struct {
	index   int
	pattern string
}

func (e hostError) Error() string {
	return fmt.Sprintf("%q is not a host, expected a name, *.domain, an address or a network, e.g. *.prod.svc or 10.0.0.0/8", e.pattern)
}

func hostName(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

// isHostName reports whether a text can be a host name, by its characters and the length of its
// labels.
func isHostName(s string) bool {
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
		}) {
			return false
		}
	}
	return true
}

// allow checks the hosts that the credentials of an entry may go to.
func (v *validator) allow(field string, t *TargetSet) {
	if len(t.Allow) == 0 {
		return
	}
	if len(t.Static) > 0 {
		v.add(field, errors.New("is for targets that Prometheus or service discovery names, but the entry has static addresses"))
	}
	if _, err := ParseHosts(t.Allow); err != nil {
		var bad hostError
		if errors.As(err, &bad) {
			field = fmt.Sprintf("%s[%d]", field, bad.index)
		}
		v.add(field, err)
	}
}
