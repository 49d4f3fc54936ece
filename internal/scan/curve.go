package scan

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/procstart"
)

// points is the most values that a service's curve has over the scanned time.
const points = 480

// maxRestarts bounds the restarts of a service that are remembered.
const maxRestarts = 1000

// curves keeps a coarse curve of each service, to draw it.
type curves struct {
	start     int64   // ms
	bucket    int64   // ms
	step      float64 // ms
	n         int
	groupBy   []string
	services  map[string]*course
	instances int
}

// course has the curves of a service.
type course struct {
	labels    labels.Labels
	instances map[string]*curve
	restarts  []int64 // ms, in no order
}

// curve is an instance's, from the bucket of its first sample on.
type curve struct {
	name    string
	first   int
	buckets []bucket
	start   float64
}

// bucket is the samples of a part of the time.
type bucket struct {
	floor, top float32
	// from and to are the times of its first and last sample, in seconds since the start of the
	// bucket.
	from, to int32
	seen     bool
}

func newCurves(start, end time.Time, step time.Duration, groupBy []string) *curves {
	if len(groupBy) == 0 {
		groupBy = []string{"namespace", "job"}
	}
	length := max((end.Sub(start)+points-1)/points, step, time.Millisecond).Milliseconds()
	return &curves{
		start: start.UnixMilli(), bucket: length, step: float64(step.Milliseconds()), n: int((end.UnixMilli() - start.UnixMilli() + length - 1) / length),
		groupBy: groupBy, services: map[string]*course{},
	}
}

func serviceKey(ls labels.Labels) string { return string(ls.Bytes(nil)) }

// serviceOf finds or makes the service of an instance.
func (c *curves) serviceOf(instance labels.Labels) *course {
	ls := labels.NewBuilder(instance).Keep(c.groupBy...).Labels()
	k := serviceKey(ls)
	s := c.services[k]
	if s == nil {
		s = &course{labels: ls, instances: map[string]*curve{}}
		c.services[k] = s
	}
	return s
}

// of returns the bucket of a time, in ms.
func (c *curves) of(t int64) int { return min(max(int((t-c.start-1)/c.bucket), 0), c.n-1) }

// add adds the samples of an instance in a window.
func (c *curves) add(s *course, series collector.Series) {
	k := serviceKey(series.Labels)
	v := s.instances[k]
	if v == nil {
		v = &curve{name: series.Labels.Get("instance"), first: -1, start: math.NaN()}
		s.instances[k] = v
		c.instances++
	}
	for _, x := range series.Samples {
		i := c.of(x.T)
		if v.first < 0 {
			v.first = i
		}
		if i < v.first {
			continue // out of order
		}
		for len(v.buckets) <= i-v.first {
			v.buckets = append(v.buckets, bucket{})
		}
		b, n := &v.buckets[i-v.first], float32(x.Count)
		at := int32((x.T - c.start - int64(i)*c.bucket) / 1000)
		if !b.seen {
			*b = bucket{floor: n, top: n, from: at, seen: true}
		}
		b.floor, b.top, b.to = min(b.floor, n), max(b.top, n), at
		if x.Start > 0 {
			if procstart.Time(x.Start).Differs(procstart.Time(v.start)) && len(s.restarts) < maxRestarts {
				s.restarts = append(s.restarts, x.T)
			}
			v.start = x.Start
		}
	}
}

// sum returns the floor and the highest count of a service, summed over the instances that
// include selects; nil: all. NaN where there are none. In its first and last bucket an instance
// counts by the part of the time that it existed, so that pods that replace each other do not
// count twice.
func (c *curves) sum(s *course, include func(instance string) bool) (floor, top []float64) {
	floor, top = make([]float64, c.n), make([]float64, c.n)
	for i := range floor {
		floor[i], top[i] = math.NaN(), math.NaN()
	}
	if s == nil {
		return floor, top
	}
	// When the first and the last sample of any instance came.
	from, to := make([]int32, c.n), make([]int32, c.n)
	for i := range from {
		from[i] = math.MaxInt32
	}
	for _, v := range s.instances {
		for i, b := range v.buckets {
			if b.seen {
				from[v.first+i], to[v.first+i] = min(from[v.first+i], b.from), max(to[v.first+i], b.to)
			}
		}
	}
	step := c.step / 1000
	for _, v := range s.instances {
		if include != nil && !include(v.name) {
			continue
		}
		var before bucket
		for i, b := range v.buckets {
			at, part := v.first+i, 1.0
			switch {
			case to[at] == 0 && from[at] == math.MaxInt32:
				continue // nobody was there
			case !b.seen: // not scraped, but it existed before and after
				b = before
			case i == 0 || i == len(v.buckets)-1:
				part = (float64(b.to-b.from) + step) / (float64(to[at]-from[at]) + step)
			}
			before = b
			if math.IsNaN(floor[at]) {
				floor[at], top[at] = 0, 0
			}
			floor[at] += part * float64(b.floor)
			top[at] += part * float64(b.top)
		}
	}
	return floor, top
}

// near returns the value at a bucket, or the nearest one before it, or after it; NaN: there is
// none at all.
func near(values []float64, at int) float64 {
	for i := at; i >= 0; i-- {
		if !math.IsNaN(values[i]) {
			return values[i]
		}
	}
	for _, v := range values[at+1:] {
		if !math.IsNaN(v) {
			return v
		}
	}
	return math.NaN()
}

// restartsIn counts the restarts of a service's processes in (from, to], in ms.
func (s *course) restartsIn(from, to int64) (n int) {
	for _, t := range s.restarts {
		if t > from && t <= to {
			n++
		}
	}
	return n
}

// sparkline draws values in n characters, each the smallest of its part.
func sparkline(values []float64, n int) string {
	steps := []rune("▁▂▃▄▅▆▇█")
	n = min(n, len(values))
	parts := make([]float64, n)
	for i := range parts {
		parts[i] = least(values[i*len(values)/n : (i+1)*len(values)/n])
	}
	lowest := least(parts)
	highest := lowest
	for _, v := range parts {
		if v > highest {
			highest = v
		}
	}
	out := make([]rune, n)
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

// least returns the smallest of the values that are numbers; NaN: none is.
func least(values []float64) float64 {
	numbers := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(numbers) == 0 {
		return math.NaN()
	}
	return slices.Min(numbers)
}
