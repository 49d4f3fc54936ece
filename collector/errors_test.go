package collector

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNetworkReason(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = discard()
	secure.StartTLS()
	defer secure.Close()
	release := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer hang.Close()
	defer close(release)
	const refused = "http://127.0.0.1:1"

	get := func(ctx context.Context, target string, timeout time.Duration, conf *tls.Config) error {
		tr := &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}
		defer tr.CloseIdleConnections()
		c := &http.Client{Transport: tr, Timeout: timeout}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
		if err != nil {
			return err
		}
		resp, err := c.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()

	for name, tc := range map[string]struct {
		err  error
		want Reason
	}{
		"refused":            {get(t.Context(), refused, 0, nil), ReasonRefused},
		"client timeout":     {get(t.Context(), hang.URL, 20*time.Millisecond, nil), ReasonTimeout},
		"cancelled":          {get(canceled, hang.URL, 0, nil), ReasonCanceled},
		"unknown authority":  {get(t.Context(), secure.URL, 0, nil), ReasonTLS},
		"plain for tls":      {get(t.Context(), "https"+plain.URL[4:], 0, nil), ReasonTLS},
		"protocol version":   {get(t.Context(), secure.URL, 0, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS10, MinVersion: tls.VersionTLS10}), ReasonTLS},
		"no such host":       {&url.Error{Op: "Get", URL: "http://x", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}}, ReasonRefused},
		"slow name server":   {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", IsTimeout: true}}, ReasonTimeout},
		"body ended early":   {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), ReasonTruncated},
		"deadline":           {fmt.Errorf("read: %w", context.DeadlineExceeded), ReasonTimeout},
		"already has one":    {&url.Error{Op: "Get", Err: Errorf(ReasonRedirect, "elsewhere")}, ReasonRedirect},
		"anything else":      {errors.New("boom"), ReasonOther},
		"nothing to explain": {nil, ""},
	} {
		require.Equal(t, tc.want, NetworkReason(tc.err), "%s: %v", name, tc.err)
	}
}

func TestNetworkErrorKeepsSecrets(t *testing.T) {
	u, err := url.Parse("http://user:hunter2@10.0.0.7:80/debug/pprof/goroutine?debug=2&token=s3cret#frag")
	require.NoError(t, err)
	inner := &url.Error{Op: "Get", URL: u.String(), Err: errors.New("connection refused")}
	got := NetworkError(u, inner)
	require.EqualError(t, got, "http://10.0.0.7:80/debug/pprof/goroutine?debug=2&token=xxx: connection refused")
	require.NotContains(t, got.Error(), "hunter2")
	require.NoError(t, NetworkError(u, nil))
	require.Empty(t, RedactURL(nil))
	require.Contains(t, u.String(), "s3cret", "the URL itself is left as it is")
}

// The error says what to do where the network's own words do not.
func TestAdvice(t *testing.T) {
	at := func(host string) *url.URL {
		return &url.URL{Scheme: "http", Host: host, Path: "/debug/pprof/goroutine"}
	}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	require.EqualError(t, NetworkError(at("10.0.0.7:6060"), refused), "http://10.0.0.7:6060/debug/pprof/goroutine: dial tcp: connect: connection refused; "+
		"nothing listens there for others: if pprof listens on localhost alone, let it listen on the address of the pod or machine, or set port if it is another")
	require.EqualError(t, NetworkError(at("127.0.0.1:6060"), refused), "http://127.0.0.1:6060/debug/pprof/goroutine: dial tcp: connect: connection refused")
	require.ErrorContains(t, NetworkError(at("shop:80"), &net.DNSError{Err: "no such host", Name: "shop", IsNotFound: true}), "; there is no such host")
	require.ErrorContains(t, NetworkError(at("shop:80"), x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}), "; the target's certificate has expired, or a clock is wrong")
}
