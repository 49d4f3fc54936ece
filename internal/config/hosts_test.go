package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseHosts(t *testing.T) {
	allowed, err := ParseHosts([]string{"Payments.example.org.", "*.prod.svc", "10.0.0.0/8", "192.168.1.7", "fd00::/8", "::ffff:172.16.0.1", "db_1"})
	require.NoError(t, err)
	for host, want := range map[string]bool{
		"payments.example.org": true, "PAYMENTS.EXAMPLE.ORG": true, "payments.example.org.": true,
		"evil.payments.example.org": false, "payments.example.org.evil": false, "xpayments.example.org": false,
		"a.prod.svc": true, "a.b.prod.svc": true, "prod.svc": false, ".prod.svc": false, "xprod.svc": false, "a.prod.svc.evil": false,
		"10.1.2.3": true, "11.1.2.3": false, "::ffff:10.1.2.3": true, "10.evil.example": false, "0x0a.1.2.3": false, "167772161": false,
		"192.168.1.7": true, "192.168.1.8": false, "fd12::1": true, "fd12::1%eth0": true, "fe80::1": false, "172.16.0.1": true, "172.16.0.2": false,
		"db_1": true, "": false,
	} {
		require.Equal(t, want, allowed(host), "%q", host)
	}
	for _, bad := range []string{"", "*", "*.", "a.*.b", "*a.b", "http://a", "a:80", "[::1]", "a/b", "10.0.0.0/33", "10.0.0.0/", "a b", "a..b", "fe80::1%eth0", "user@a"} {
		_, err := ParseHosts([]string{"a", bad})
		require.ErrorContains(t, err, "is not a host, expected", "%q", bad)
	}
}
