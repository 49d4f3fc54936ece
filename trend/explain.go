package trend

import (
	"cmp"
	"slices"
	"time"
)

// Assessment is the finding on one scale of one instance. It answers why the growth is, or is
// not, taken for a leak.
type Assessment struct {
	Instance string        // empty: the sum of the instances
	Scale    time.Duration // length of a block
	Blocks   int           // valid ones
	Status   Status        // empty: too few blocks
	Gate     Gate
	Z        float64 // growth over its standard error
	// Confidence is the probability, 0 to 1, that the growth is a leak.
	Confidence float64
	Wait       time.Duration // see Verdict.Wait
	Rate       Interval
	Onset      time.Time
	Level      float64 // floor at the present load without the growth
	Grown      float64 // goroutines since the onset
	// LoadSlope is the goroutines per unit of load in the fit.
	LoadSlope float64
	// Decides reports that the verdict on the instance rests on this scale.
	Decides bool
	// Reasons are behind Confidence; nil: Gate was decided without weighing explanations.
	Reasons *Reasons
}

// Explain lists the assessments behind the latest verdict, by instance and
// scale.
func (s *Service) Explain() []Assessment {
	var out []Assessment
	for _, in := range s.ordered {
		out = append(out, s.explain(source{one: in.seg}, &in.seg.found, in.name)...)
	}
	if s.pool != nil {
		out = append(out, s.explain(source{all: s.pool}, &s.pool.found, "")...)
	}
	slices.SortFunc(out, func(a, b Assessment) int {
		return cmp.Or(cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Scale, b.Scale))
	})
	return out
}

func (s *Service) explain(src source, found *[nScales]compactFinding, name string) []Assessment {
	var out []Assessment
	base, best := s.base, decide(found, s.base)
	for k := range nScales {
		f := found[k].finding()
		length := time.Duration(base*int64(scales[k].mult)) * time.Millisecond
		a := Assessment{
			Instance: name, Scale: length, Blocks: f.n, Status: f.status, Gate: f.gate, Z: f.z, Confidence: f.confidence, Wait: time.Duration(f.wait*float64(base)) * time.Millisecond,
			Rate: f.slope.hourly(length), Level: f.level, Grown: f.grown, LoadSlope: f.b, Decides: k == best,
		}
		if f.status.Grows() {
			a.Reasons = s.reasons(src, k)
		}
		if f.status != "" && f.grown > 0 {
			a.Onset = msTime(f.onset)
		}
		out = append(out, a)
	}
	return out
}

// hourly converts a rate per length to one per hour.
func (i Interval) hourly(length time.Duration) Interval {
	return i.Times(float64(time.Hour) / float64(length))
}
