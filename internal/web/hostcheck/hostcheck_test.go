package hostcheck

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAllows(t *testing.T) {
	external := &url.URL{Scheme: "https", Host: "Monitoring.Example.org:8443", Path: "/gorowatch/"}
	p, err := New(external, []string{"Watch.example.net", "*.lan.example.net"})
	require.NoError(t, err)
	for _, host := range []string{
		"", "monitoring.example.org", "monitoring.example.org:443", "MONITORING.example.ORG.:80", "watch.example.net:10980", "a.lan.example.net", "a.b.lan.example.net",
		"localhost", "localhost:10980", "LOCALHOST.", "app.localhost:1", "127.0.0.1", "127.0.0.1:10980", "10.0.3.17:80", "[::1]", "[::1]:10980", "[fe80::1%25eth0]:80", "0.0.0.0",
		"gorowatch", "gorowatch:10980", "gorowatch.monitoring.svc", "gorowatch.monitoring.svc:10980", "gorowatch.monitoring.svc.cluster.local.:10980",
	} {
		require.True(t, p.Allows(host), host)
	}
	for _, host := range []string{
		"evil.example", "evil.example:10980", "evil.example:443", "monitoring.example.org.evil.example", "xmonitoring.example.org", "example.org", "a.watch.example.net", "lan.example.net",
		"xlan.example.net", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "evil.example#localhost", "evil.example:80:80", "gorowatch.monitoring", "evil.cluster.local", "evil.svc.example", "[evil.example]",
		"evil.example\x00.localhost.example", "evil.example..", "evil.local",
	} {
		require.False(t, p.Allows(host), host)
	}

	every, err := New(nil, []string{"*"})
	require.NoError(t, err)
	require.True(t, every.Allows("evil.example"))

	for _, bad := range []string{"", "http://x.example", "x.example:80", "x.example/path", "a b", "*.", "*x.example", "x..example", "x.*.example", "ü.example", strings.Repeat("a", 300)} {
		_, err := New(nil, []string{bad})
		require.ErrorContains(t, err, "is not a host, expected a name without scheme, port or path", bad)
	}
}
