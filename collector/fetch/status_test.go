package fetch

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func TestReasonOfStatus(t *testing.T) {
	for code, want := range map[int]collector.Reason{
		http.StatusFound:              collector.ReasonRedirect,
		http.StatusPermanentRedirect:  collector.ReasonRedirect,
		http.StatusBadRequest:         collector.ReasonStatus,
		http.StatusUnauthorized:       collector.ReasonUnauthorized,
		http.StatusForbidden:          collector.ReasonUnauthorized,
		http.StatusNotFound:           collector.ReasonNotFound,
		http.StatusProxyAuthRequired:  collector.ReasonUnauthorized,
		http.StatusTooManyRequests:    collector.ReasonRateLimited,
		http.StatusServiceUnavailable: collector.ReasonStatus,
		999:                           collector.ReasonStatus,
	} {
		require.Equal(t, want, ReasonOfStatus(code), code)
	}
}

func TestStatusText(t *testing.T) {
	require.Equal(t, "404 Not Found", StatusText(404))
	require.Equal(t, "999", StatusText(999))
}
