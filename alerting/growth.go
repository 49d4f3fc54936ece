package alerting

import (
	"fmt"
	"math"
	"strings"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// rate says how fast the leak grows: "212 goroutines/h".
func rate(l leak.Leak) string { return human.Number(l.Rate.Value) + " goroutines/h" }

// since says when the leak began: " since 14:02 UTC". The date is left out if it is
// that of the last evaluation.
func since(l leak.Leak) string {
	if l.Onset.IsZero() {
		return ""
	}
	return " since " + human.Time(l.Onset, l.UpdatedAt)
}

// sinceOf says when the leak began. If it has not always grown at the current rate, it says how
// much came since then, so that nobody takes the rate for that of the whole time: " now, 446
// since 20:38 UTC".
func sinceOf(l leak.Leak) string {
	hours := l.UpdatedAt.Sub(l.Onset).Hours()
	if s := since(l); s == "" || hours <= 0 || l.Leaked < 1 || !differs(l.Rate.Value*hours, l.Leaked) {
		return s
	}
	return " now, " + human.Number(l.Leaked) + since(l)
}

// differs reports whether two numbers of goroutines are clearly not the same.
func differs(a, b float64) bool { return max(a, b) > 2*min(a, b)+30 }

// growth says how fast the leak grows, how much has leaked, and on which instances.
func growth(l leak.Leak) string {
	s := shortGrowth(l)
	n := len(l.Instances)
	if n == 0 || l.State == leak.Resolved {
		return s
	}
	const most = 3
	names := make([]string, 0, most)
	for _, i := range l.Instances[:min(n, most)] {
		names = append(names, human.Line(i, 40))
	}
	s += ": " + strings.Join(names, ", ")
	if n > most {
		s += " and " + human.Count(int64(n-most)) + " more"
	}
	return inert(s)
}

// shortGrowth is growth without the names of the instances.
func shortGrowth(l leak.Leak) string {
	var b strings.Builder
	switch {
	case !l.PlateauedAt.IsZero():
		b.WriteString("none since " + human.Time(l.PlateauedAt, l.UpdatedAt))
	case paused(l):
		b.WriteString(Pause(l))
	case !(l.Rate.Value > 0):
		b.WriteString("none now")
	default:
		b.WriteString("+" + rate(l))
	}
	if l.Rate.Low < l.Rate.High {
		fmt.Fprintf(&b, " (95 %%: %s to %s)", human.Number(l.Rate.Low), human.Number(l.Rate.High))
	}
	fmt.Fprintf(&b, ", %s leaked, on %s", human.Number(l.Leaked), instances(l))
	if one := OneIn(l); one != "" {
		b.WriteString("; " + one)
	}
	return b.String()
}

// OneIn says how many of the goroutines that are created never end: "1 in 214
// goroutines never ends". It is empty if that is not known.
func OneIn(l leak.Leak) string {
	if !(l.Rate.Value > 0 && l.Created > 0) {
		return ""
	}
	n := l.Created / l.Rate.Value
	if n < 1.5 {
		return "nearly every goroutine that is created never ends"
	}
	return "1 in " + human.Number(math.Round(n)) + " goroutines never ends"
}

// instances says how many of the service's instances leak: "3 of 8 instances".
func instances(l leak.Leak) string {
	n, of := len(l.Instances), l.InstancesTotal
	if n+of == 0 {
		return "no instance"
	}
	if of < n {
		return human.Plural(int64(n), "instance", "instances")
	}
	return human.Count(int64(n)) + " of " + human.Plural(int64(of), "instance", "instances")
}

// paused reports whether a leak fires while no running process is known to grow. The processes
// that leaked have ended, and their successors have not leaked yet, or not long enough to
// measure it.
func paused(l leak.Leak) bool {
	return l.State == leak.Firing && l.PlateauedAt.IsZero() && !(l.Rate.Value > 0)
}

// Pause says in a few words why a firing leak shows no growth. It is empty if the leak grows or
// has plateaued.
func Pause(l leak.Leak) string {
	switch {
	case l.State == leak.Firing && !l.NoDataSince.IsZero():
		return "no data from its instances since " + human.Time(l.NoDataSince, l.UpdatedAt)
	case !paused(l):
		return ""
	case len(l.Instances) == 0:
		return "no leaking process is running now"
	}
	return "growth not measured yet"
}

// onset says when the leak began, and in which version.
func onset(l leak.Leak) string {
	if l.Onset.IsZero() {
		return ""
	}
	s := human.FullTime(l.Onset)
	if l.Version != "" {
		s += " in version " + human.Line(l.Version, 60)
		if !l.DeployedAt.IsZero() {
			s += ", deployed " + human.Time(l.DeployedAt, l.Onset)
		}
	}
	return inert(s)
}
