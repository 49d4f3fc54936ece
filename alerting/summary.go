package alerting

import (
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// summary says in one line which service leaks, how fast, since when and where. A
// critical alert says which limit is near instead of the onset.
func summary(l leak.Leak, s Severity, o RenderOptions) string {
	where := ""
	if len(l.Stacks) > 0 {
		f := lead(l.Stacks[0])
		if f.Func != "" {
			where = " in " + human.Func(f.Func, 44)
			if at := human.Place(f.File, f.Line); at != "" {
				where += " (" + human.Line(at, 24) + ")"
			}
		}
	}
	what := " leaks " + rate(l)
	switch plateaued := !l.PlateauedAt.IsZero(); {
	case l.State == leak.Resolved && (plateaued || !(l.Rate.Value > 0)), paused(l) && len(l.Instances) == 0:
		what = " leaked"
	case plateaued && l.State != leak.Resolved, paused(l):
		what = " holds " + human.Number(l.Leaked) + " leaked goroutines"
	}
	service := human.Line(ServiceName(l.Service), 36)
	if ps := projections(l, o); s == Critical && len(ps) > 0 {
		return inertLine(service+": "+ps[0].words()+","+what+where, maxSummary)
	}
	return inertLine(service+what+since(l)+where, maxSummary)
}

// inertLine turns a text into one inert line of at most n characters.
func inertLine(s string, n int) string { return human.Line(inert(human.Line(s, n)), n) }
