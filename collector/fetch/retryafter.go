package fetch

import (
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter bounds what a server may ask for.
const maxRetryAfter = 24 * time.Hour

// RetryAfter returns how long a pause a server asks for, in whole seconds and for a day at
// most; 0 means that it does not ask. The header holds seconds or a date (RFC 9110, 10.2.3). A
// date is by the server's clock, which the Date of the same response shows. Without one it is
// compared with received, the time at which the response came.
func RetryAfter(resp *http.Response, received time.Time) time.Duration {
	text := resp.Header.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		received = date
	}
	// Rounded up: a request that comes too early has to be repeated.
	wait := until.Sub(received) + time.Second - 1
	return min(max(wait.Truncate(time.Second), 0), maxRetryAfter)
}
