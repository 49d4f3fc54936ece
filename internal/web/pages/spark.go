package pages

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/web/spark"
)

// spark draws the floors of a service from some time before the onset on. Without an onset, it draws the
// last three hours.
func (h *Handler) spark(service labels.Labels, onset time.Time) spark.Spark {
	since := onset
	if now := h.o.Backend.Now(); onset.IsZero() {
		since = now.Add(-3 * time.Hour)
	} else {
		since = since.Add(-now.Sub(onset) / 3)
	}
	f := h.o.Backend.Floors(service, since)
	if skip := int(since.Sub(f.Start)/max(f.Length, 1)) - 1; skip > 0 && skip < len(f.Values)-4 {
		f.Start, f.Values = f.Start.Add(time.Duration(skip)*f.Length), f.Values[skip:]
	}
	return spark.Draw(f, onset)
}
