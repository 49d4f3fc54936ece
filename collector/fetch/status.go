package fetch

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
)

// ReasonOfStatus returns the reason of a failure by its status. It is the only table from HTTP
// to reasons.
func ReasonOfStatus(code int) collector.Reason {
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		return collector.ReasonUnauthorized
	case code == http.StatusNotFound:
		return collector.ReasonNotFound
	case code == http.StatusTooManyRequests:
		return collector.ReasonRateLimited
	case code/100 == 3:
		return collector.ReasonRedirect
	}
	return collector.ReasonStatus
}

// IsUnavailable reports whether a status says that the server, or the one behind a proxy, is
// unavailable for the moment: the same request may succeed soon.
func IsUnavailable(code int) bool {
	return code == http.StatusBadGateway || code == http.StatusServiceUnavailable || code == http.StatusGatewayTimeout
}

// StatusText returns a status for people, such as "404 Not Found". It uses the words of HTTP,
// because the server can choose its own freely.
func StatusText(code int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
}
