package scan

import (
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// points is how many a service's curve has over the scanned time.
const points = 120

// curves keeps the floor of each service, coarsely, to draw it.
type curves struct {
	start     time.Time
	bucket    time.Duration
	groupBy   []string
	services  map[string]map[string]*curve // by service and instance
	instances int
}

// curve is the least count of an instance in each part of the time; NaN: none.
type curve [points]float32

func newCurves(start, end time.Time, groupBy []string) *curves {
	if len(groupBy) == 0 {
		groupBy = []string{"namespace", "job"}
	}
	return &curves{
		start: start, bucket: max(end.Sub(start)/points, 1), groupBy: groupBy,
		services: map[string]map[string]*curve{},
	}
}

func serviceKey(ls labels.Labels) string { return string(ls.Bytes(nil)) }

func (c *curves) add(w collector.Window) {
	for _, s := range w.Series {
		key := serviceKey(labels.NewBuilder(s.Labels).Keep(c.groupBy...).Labels())
		instances := c.services[key]
		if instances == nil {
			instances = map[string]*curve{}
			c.services[key] = instances
		}
		name := serviceKey(s.Labels)
		v := instances[name]
		if v == nil {
			v = new(curve)
			for i := range v {
				v[i] = float32(math.NaN())
			}
			instances[name] = v
			c.instances++
		}
		for _, x := range s.Samples {
			i := int(time.Duration(x.T-c.start.UnixMilli()) * time.Millisecond / c.bucket)
			i = min(max(i, 0), points-1)
			if n := float32(x.Count); !(v[i] <= n) {
				v[i] = n
			}
		}
	}
}

// of is the floor of a service, summed over its instances; NaN where there is
// none.
func (c *curves) of(service labels.Labels) []float64 {
	out := make([]float64, points)
	for i := range out {
		out[i] = math.NaN()
	}
	for _, v := range c.services[serviceKey(service)] {
		for i, x := range v {
			if x == x {
				if math.IsNaN(out[i]) {
					out[i] = 0
				}
				out[i] += float64(x)
			}
		}
	}
	return out
}

// sparkline draws values in n characters, each the least of its part.
func sparkline(values []float64, n int) string {
	const levels = "▁▂▃▄▅▆▇█"
	parts := make([]float64, n)
	lowest, highest := math.Inf(1), math.Inf(-1)
	for i := range parts {
		parts[i] = math.NaN()
		for _, v := range values[i*len(values)/n : (i+1)*len(values)/n] {
			if !(parts[i] <= v) && !math.IsNaN(v) {
				parts[i] = v
			}
		}
		if !math.IsNaN(parts[i]) {
			lowest, highest = min(lowest, parts[i]), max(highest, parts[i])
		}
	}
	out := make([]rune, n)
	steps := []rune(levels)
	for i, v := range parts {
		switch {
		case math.IsNaN(v):
			out[i] = ' '
		case highest <= lowest:
			out[i] = steps[0]
		default:
			out[i] = steps[int(math.Round((v-lowest)/(highest-lowest)*float64(len(steps)-1)))]
		}
	}
	return string(out)
}
