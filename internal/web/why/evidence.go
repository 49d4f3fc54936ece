package why

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// Step is one step of the evidence.
type Step struct {
	Name    leak.Evidence
	Reached bool
	Words   string
	// Shown is the evidence for this step, Missing what this step lacks.
	Shown, Missing string
}

// Evidence returns all steps: those that are reached with their evidence, and
// the next one with what it lacks.
func Evidence(l leak.Leak) []Step {
	steps := []Step{
		{Name: leak.Growth, Words: "the counts grow and do not come back"},
		{Name: leak.Stack, Words: "one or a few stacks grow from profile to profile and explain the growth"},
		{Name: leak.Aged, Words: "waiting times or ids show that these goroutines stay"},
		{Name: leak.Proven, Words: "the garbage collector found them unreachable"},
	}
	steps[0].Shown = fmt.Sprintf("%s goroutines per hour, %s leaked so far", human.Number(l.Rate.Value), human.Number(l.Leaked))
	if l.Rate.Low < l.Rate.High {
		steps[0].Shown = fmt.Sprintf("%s goroutines per hour (95 %%: %s to %s), %s leaked so far",
			human.Number(l.Rate.Value), human.Number(l.Rate.Low), human.Number(l.Rate.High), human.Number(l.Leaked))
	}
	switch pause := alerting.Pause(l); {
	case l.Phase() == leak.Plateaued:
		steps[0].Shown = "no growth since " + human.Time(l.PlateauedAt, l.UpdatedAt) + ", " + human.Number(l.Leaked) + " leaked"
	case pause != "":
		steps[0].Shown = pause + ", " + human.Number(l.Leaked) + " leaked"
	}
	if len(l.Stacks) > 0 && l.Share > 0 {
		steps[1].Shown = human.Plural(int64(len(l.Stacks)), "stack explains ", "stacks explain ") + human.Percent(l.Share) + " of the growth"
		if l.Base != nil && l.Head != nil {
			steps[1].Shown += ", from " + human.Time(l.Base.Time, l.UpdatedAt) + " to " + human.Time(l.Head.Time, l.UpdatedAt)
		}
	}
	longest := slices.MaxFunc(append([]leak.StackGrowth{{}}, l.Stacks...), func(a, b leak.StackGrowth) int { return cmp.Compare(a.Wait, b.Wait) })
	if longest.Wait > 0 {
		steps[2].Shown = "blocked for up to " + human.Duration(longest.Wait)
	}
	at := slices.IndexFunc(steps, func(s Step) bool { return s.Name == l.Evidence })
	for i := range steps {
		steps[i].Reached = i <= at
		if i > at {
			steps[i].Shown = ""
		}
	}
	if at >= 0 && at+1 < len(steps) {
		steps[at+1].Missing = human.Line(cmp.Or(l.Missing, "not looked at yet"), view.MaxWords)
	}
	return steps
}
