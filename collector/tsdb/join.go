package tsdb

import (
	"github.com/prometheus/prometheus/model/value"

	"github.com/gorowatch/gorowatch/collector"
)

// join makes samples of the counts, with the load and the start of the same
// scrape, or of the latest one before.
func join(count, load, start *vector, gauge bool) []collector.Sample {
	out := make([]collector.Sample, 0, len(count.t))
	var l, s int // first of load and start after the count
	for i, t := range count.t {
		if value.IsStaleNaN(count.v[i]) || !collector.ValidCount(count.v[i]) {
			continue
		}
		for l < len(load.t) && load.t[l] <= t {
			l++
		}
		for s < len(start.t) && start.t[s] <= t {
			s++
		}
		x := collector.Sample{T: t, Count: count.v[i], Load: collector.Unknown, Start: collector.Unknown}
		if s > 0 && t-start.t[s-1] <= lookback.Milliseconds() {
			x.Start = collector.KnownStart(start.v[s-1], t)
		}
		switch {
		case l == 0 || t-load.t[l-1] > lookback.Milliseconds():
		case gauge:
			x.Load = collector.KnownLoad(load.v[l-1])
		default:
			x.Load = collector.KnownLoad(rate(load, l-1, x.Start))
		}
		out = append(out, x)
	}
	return out
}

// rate is the increase of a counter per second from its sample before i to
// i; for the first sample of a process, since its start.
func rate(c *vector, i int, start float64) float64 {
	t := float64(c.t[i]) / 1000
	fresh := i == 0 || c.v[i] < c.v[i-1] || start > float64(c.t[i-1])/1000
	if fresh {
		// Without the start, the first sample says nothing. Much work is done
		// in the first seconds, which is no load either.
		if age := t - start; age >= 5 && age <= lookback.Seconds() {
			return c.v[i] / age
		}
		return collector.Unknown
	}
	d := c.t[i] - c.t[i-1]
	if d <= 0 || d > lookback.Milliseconds() {
		return collector.Unknown
	}
	return (c.v[i] - c.v[i-1]) / (float64(d) / 1000)
}
