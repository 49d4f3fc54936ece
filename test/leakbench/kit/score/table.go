package score

import (
	"fmt"
	"io"
	"math"
)

// Table writes the most important figures of a monitor, a line for each class and one for all:
// healthy services alarmed, filling pools alarmed, and of the leaks those found, those found
// within a day, the median delay, and the share of the detections with stacks whose first stack
// leaks.
func (r *Result) Table(w io.Writer) {
	fmt.Fprintf(w, "%-16s %12s %12s | %5s %6s %6s %7s %7s %6s %6s\n", "class", "healthy", "pools", "leaks", "recall", "in 24h", "d50 h", "d90 h", "early", "top1")
	for i := range r.Classes {
		r.Classes[i].tableRow(w)
	}
	r.All.tableRow(w)
	if len(r.Unknown) > 0 {
		fmt.Fprintf(w, "%d services of the report are not in the truth\n", len(r.Unknown))
	}
}

func (m *Summary) tableRow(w io.Writer) {
	alarmed := func(n, of int) string {
		if of == 0 {
			return ""
		}
		return fmt.Sprintf("%d/%d %5.1f%%", n, of, 100*float64(n)/float64(of))
	}
	fmt.Fprintf(w, "%-16s %12s %12s |", m.Name, alarmed(m.HealthyAlarmed, m.Healthy), alarmed(m.SaturatingAlarmed, m.Saturating))
	if m.Leaks > 0 {
		top1 := "-"
		if !math.IsNaN(float64(m.Top1)) {
			top1 = fmt.Sprintf("%.3f", float64(m.Top1))
		}
		fmt.Fprintf(w, " %5d %6.3f %6.3f %7s %7s %6d %6s", m.Leaks, float64(m.Recall), float64(m.Recall24), m.DelayMedian, m.DelayP90, m.Early, top1)
	}
	fmt.Fprintln(w)
}
