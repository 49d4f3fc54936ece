package query

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"github.com/gorowatch/gorowatch/internal/human"
)

// Since reads a time in the past: Unix seconds, RFC 3339, or a duration before now as
// Prometheus writes it. Empty: the duration in otherwise before now.
func Since(s string, now time.Time, otherwise, longest time.Duration) (time.Time, error) {
	if s == "" {
		return now.Add(-otherwise), nil
	}
	t, err := timeOf(s)
	if err != nil {
		d, derr := model.ParseDuration(s)
		if derr != nil {
			return t, fmt.Errorf("%w, or a duration such as 30m", err)
		}
		t = now.Add(-time.Duration(d))
	}
	if t.After(now) || now.Sub(t) > longest {
		return t, fmt.Errorf("%s is out of range, expected a time in the past %s", human.Line(strconv.Quote(s), 60), human.Duration(longest))
	}
	return t, nil
}
