package fetch

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetryAfter(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		after, date string
		received    time.Time
		want        time.Duration
	}{
		"none":               {"", "", noon, 0},
		"seconds":            {"120", "", noon, 2 * time.Minute},
		"at once":            {"0", "", noon, 0},
		"more than a day":    {"99999999999999999", "", noon, 24 * time.Hour},
		"more than a number": {"99999999999999999999", "", noon, 0},
		"negative":           {"-5", "", noon, 0},
		"no number":          {"soon", "", noon, 0},
		"a date":             {"Sun, 01 Mar 2026 12:05:00 GMT", "Sun, 01 Mar 2026 12:00:00 GMT", noon, 5 * time.Minute},
		"its own clock":      {"Sun, 01 Mar 2026 15:05:00 GMT", "Sun, 01 Mar 2026 15:00:00 GMT", noon, 5 * time.Minute},
		"our clock":          {"Sun, 01 Mar 2026 12:05:00 GMT", "", noon, 5 * time.Minute},
		"never too early":    {"Sun, 01 Mar 2026 12:05:00 GMT", "", noon.Add(600 * time.Millisecond), 5 * time.Minute},
		"in the past":        {"Sun, 01 Mar 2026 11:00:00 GMT", "Sun, 01 Mar 2026 12:00:00 GMT", noon, 0},
		"just now":           {"Sun, 01 Mar 2026 12:00:00 GMT", "", noon.Add(600 * time.Millisecond), 0},
		"next year":          {"Mon, 01 Mar 2027 12:00:00 GMT", "", noon, 24 * time.Hour},
	} {
		header := http.Header{"Retry-After": {c.after}}
		if c.date != "" {
			header.Set("Date", c.date)
		}
		require.Equal(t, c.want, RetryAfter(&http.Response{Header: header}, c.received), name)
	}
}
