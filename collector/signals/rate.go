package signals

import (
	"math"

	"github.com/prometheus/prometheus/model/value"
)

// Rate returns rate(x[5m]) at a time: the increase per second of a counter over (at-Range, at],
// extrapolated to the range as Prometheus does it. t are the times of all samples in Unix
// milliseconds, in order; from is a hint at the first one within the range, and the next hint
// is returned. NaN: there are fewer than two samples.
func Rate(t []int64, v []float64, at int64, from int) (rate float64, next int) {
	begin := at - Range.Milliseconds()
	for from < len(t) && t[from] <= begin {
		from++
	}
	first, last, n := -1, -1, 0
	var increase float64
	for i := from; i < len(t) && t[i] <= at; i++ {
		if value.IsStaleNaN(v[i]) {
			continue
		}
		if first < 0 {
			first = i
		} else if v[i] < v[last] {
			increase += v[last] // the counter was reset
		}
		last = i
		n++
	}
	if n < 2 {
		return math.NaN(), from
	}
	increase += v[last] - v[first]
	sampled := float64(t[last]-t[first]) / 1000
	between := sampled / float64(n-1)
	toStart, toEnd := float64(t[first]-begin)/1000, float64(at-t[last])/1000
	if toStart >= 1.1*between {
		toStart = between / 2
	}
	if increase > 0 && v[first] >= 0 {
		toStart = min(toStart, sampled*(v[first]/increase)) // a counter begins at 0
	}
	if toEnd >= 1.1*between {
		toEnd = between / 2
	}
	return increase * ((sampled + toStart + toEnd) / sampled / Range.Seconds()), from
}
