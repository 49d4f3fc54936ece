package collector

import (
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// History has the counts of some instances, reduced to one value a step for a chart. Step i is
// (Start+(i-1)·Step, Start+i·Step].
type History struct {
	Start     time.Time
	Step      time.Duration
	Steps     int
	Instances []InstanceHistory
	// Warnings are what the source reported besides the data.
	Warnings []string
}

// InstanceHistory has one instance. Each slice has a value a step, NaN where there is none.
type InstanceHistory struct {
	Labels labels.Labels
	// Min and Max are the smallest and the largest count of the step.
	Min, Max []float64
	// Load is the mean load of the step, as in Sample.
	Load []float64
	// Start is the start of the process at the end of the step, Unix seconds.
	Start []float64
}

// NewInstanceHistory makes an InstanceHistory with the given number of steps, without values.
func NewInstanceHistory(ls labels.Labels, steps int) InstanceHistory {
	h := InstanceHistory{Labels: ls}
	for _, to := range []*[]float64{&h.Min, &h.Max, &h.Load, &h.Start} {
		*to = make([]float64, steps)
		for i := range *to {
			(*to)[i] = math.NaN()
		}
	}
	return h
}

// Observe adds a sample to step i.
func (h *InstanceHistory) Observe(i int, x Sample) {
	if math.IsNaN(h.Min[i]) || x.Count < h.Min[i] {
		h.Min[i] = x.Count
	}
	if math.IsNaN(h.Max[i]) || x.Count > h.Max[i] {
		h.Max[i] = x.Count
	}
	if !math.IsNaN(x.Load) {
		h.Load[i] = x.Load
	}
	if !math.IsNaN(x.Start) {
		h.Start[i] = x.Start
	}
}

// Thin reduces the series of the instances that keep selects to one value a step.
func Thin(w Window, step time.Duration, keep func(labels.Labels) bool) History {
	steps := int((w.To.Sub(w.From) + step - 1) / step)
	h := History{Start: w.From.Add(step), Step: step, Steps: steps, Warnings: w.Warnings}
	for _, s := range w.Series {
		if !keep(s.Labels) {
			continue
		}
		in := NewInstanceHistory(s.Labels, steps)
		for _, x := range s.Samples {
			if i := int((time.UnixMilli(x.T).Sub(w.From) - 1) / step); i >= 0 && i < steps && x.T > w.From.UnixMilli() && x.T <= w.To.UnixMilli() {
				in.Observe(i, x)
			}
		}
		h.Instances = append(h.Instances, in)
	}
	return h
}
