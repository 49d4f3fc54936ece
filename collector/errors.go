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
	"net/url"
	"strings"
	"syscall"
)

// NetworkReason returns the reason of an error that an http.Client, or the reading of a body,
// returned. An error that already has a reason keeps it. For nil the reason is empty.
func NetworkReason(err error) Reason {
	var known *Error
	var netErr net.Error
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.Reason
	case errors.Is(err, context.Canceled):
		return ReasonCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return ReasonTimeout
	case isTLS(err):
		return ReasonTLS
	case errors.As(err, &netErr) && netErr.Timeout():
		return ReasonTimeout
	case errors.As(err, &dns):
		return ReasonRefused
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ReasonTruncated
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH),
		errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF),
		errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect"):
		return ReasonRefused
	case strings.Contains(err.Error(), "malformed HTTP"): // net/http has no type for it
		return ReasonBadData
	}
	return ReasonOther
}

func isTLS(err error) bool {
	var (
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		header    tls.RecordHeaderError
		alert     tls.AlertError
	)
	if errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &host) ||
		errors.As(err, &invalid) || errors.As(err, &header) || errors.As(err, &alert) ||
		errors.Is(err, http.ErrSchemeMismatch) {
		return true
	}
	// A handshake that timed out is an unexported type. Alerts from the peer are text inside a
	// net.OpError.
	var op *net.OpError
	return strings.Contains(err.Error(), "TLS handshake") ||
		errors.As(err, &op) && op.Err != nil && strings.HasPrefix(op.Err.Error(), "tls:")
}

// NetworkError makes an Error of a failed request to u. Its text names u redacted. The URL in
// the errors of net/http is left out, because it holds the query.
func NetworkError(u *url.URL, err error) error {
	if err == nil {
		return nil
	}
	reason := NetworkReason(err)
	out := &Error{Reason: reason}
	if known, ok := errors.AsType[*Error](err); ok {
		out.RetryAfter = known.RetryAfter
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	out.Err = fmt.Errorf("%s: %w%s", RedactURL(u), err, advice(u, err))
	return out
}

// advice says what to do about a failure that the network's own words do not explain.
func advice(u *url.URL, err error) string {
	var dns *net.DNSError
	var expired x509.CertificateInvalidError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && !isLoopback(u.Hostname()):
		return "; nothing listens there for others: if pprof listens on localhost alone, let it listen on the address of the pod or machine, or set port if it is another"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "; there is no such host"
	case errors.As(err, &expired) && expired.Reason == x509.Expired:
		return "; the target's certificate has expired, or a clock is wrong"
	}
	return ""
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// RedactURL returns u for people and logs: without user and password, and without the values of
// its query except those that cannot be secret (debug, gc, seconds).
func RedactURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	c := *u
	c.User = nil
	c.Fragment, c.RawFragment = "", ""
	if c.RawQuery != "" {
		q := c.Query()
		for k, vs := range q {
			switch k {
			case "debug", "gc", "seconds":
				continue
			}
			for i := range vs {
				vs[i] = "xxx"
			}
		}
		c.RawQuery = q.Encode()
	}
	return c.String()
}
