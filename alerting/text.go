package alerting

import (
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// Text describes a leak for people: a headline, the stacks that grow, and a line
// with the instances, the projection and the command for the profiles. It has no
// line break at the end.
func Text(l leak.Leak, o RenderOptions) string {
	lines := []string{AlertName + "  " + headline(l) + "   evidence: " + string(l.Evidence)}
	for _, s := range stackLines(l, maxFrames) {
		lines = append(lines, "  "+s)
	}
	if hint := Hint(l); hint != "" {
		lines = append(lines, "  Usually: "+hint+".")
	}
	for _, f := range Facts(l) {
		lines = append(lines, "  "+f.Name+": "+f.Words)
	}
	for i := range lines {
		lines[i] = inert(lines[i])
	}
	foot := []string{inert(strings.Join(footer(l, o), " · "))}
	if c := linksOf(l, o).command; c != "" {
		foot = append(foot, c)
	}
	lines = append(lines, "  "+strings.Join(foot, " · "))
	if l.State == leak.Resolved {
		lines = append(lines, "  "+inert(resolution(l)))
	}
	return strings.Join(lines, "\n")
}

// Hint says in one sentence without a full stop what usually causes a leak of this
// kind. It is empty if no hint fits.
func Hint(l leak.Leak) string {
	if len(l.Stacks) == 0 {
		return ""
	}
	program := l.Stacks[0].Program
	if holder := l.Stacks[0].Holder; holder != nil && program == "" {
		return human.Line(holderHint(holder), 400)
	}
	h, ok := stack.HintFor(program, l.Stacks[0].Op, l.Stacks[0].Reason, l.Stacks[0].Frames)
	if !ok {
		return ""
	}
	return human.Line(h.Sentence, 400)
}

// holderHint says what to do if one goroutine holds up the others.
func holderHint(h *leak.Holder) string {
	text := "one goroutine, probably that in " + human.Func(h.Key.Func, maxFunc) + ", holds what all others wait for, and is blocked itself: "
	switch {
	case h.Op == "IO wait" || h.Op == "syscall":
		return text + "give what it waits for a deadline, and do no I/O while it holds a lock"
	case h.Op == "chan send":
		return text + "receive what it sends to the end, or stop it when you leave early"
	case strings.HasPrefix(h.Op, "sync.Mutex") || strings.HasPrefix(h.Op, "sync.RWMutex"):
		return text + "take the locks in the same order everywhere"
	}
	return text + "let it finish, or release before it waits"
}

// description is Text with fewer frames and without what other annotations say. If it gets too
// long, the part that stack_diff also shows goes first, and the hint last.
func description(l leak.Leak, o RenderOptions) string {
	var stacks, reported, hint, callers, foot []string
	for _, s := range stackLines(l, 3) {
		stacks = append(stacks, "  "+s)
	}
	if h := Hint(l); h != "" {
		hint = []string{"Usually: " + h + "."}
	}
	for _, f := range Facts(l) {
		switch f.Name {
		case factCaller:
			callers = []string{f.Name + ": " + f.Words + "."}
		case factKnown, factPossiblyKnown:
			reported = []string{f.Name + ": " + f.Words + "."}
		}
	}
	foot = []string{strings.Join(footer(l, o), " · ")}
	if l.State == leak.Resolved {
		foot = append(foot, resolution(l))
	}
	head := []string{headline(l)}
	for _, parts := range [][][]string{
		{head, stacks, reported, hint, callers, foot}, {head, reported, hint, callers, foot},
		{head, stacks, reported, hint, foot}, {head, reported, hint, foot}, {head, reported, foot},
	} {
		if text := inert(strings.Join(slices.Concat(parts...), "\n")); len(text) <= maxDescription {
			return text
		}
	}
	return shortDescription(l)
}

// shortDescription returns the headline, with the resolution of a resolved leak.
func shortDescription(l leak.Leak) string {
	if l.State == leak.Resolved {
		return inert(headline(l) + "\n" + resolution(l))
	}
	return inert(headline(l))
}

// headline says who leaks, how fast and since when: "prod/checkout  +212 goroutines/h since 14:02 UTC (v1.42.0), 97 %
// in one stack".
func headline(l leak.Leak) string {
	what, stays := "+"+rate(l)+sinceOf(l), !l.PlateauedAt.IsZero() && l.State != leak.Resolved
	switch {
	case stays:
		what = human.Number(l.Leaked) + " leaked goroutines stay" + since(l)
	case paused(l) && len(l.Instances) > 0:
		what = human.Number(l.Leaked) + " leaked goroutines" + since(l)
	case !l.PlateauedAt.IsZero(), paused(l), l.State == leak.Resolved && !(l.Rate.Value > 0):
		what = "leaked" + since(l)
	}
	s := human.Line(ServiceName(l.Service), 80) + "  " + what
	if l.Version != "" {
		s += " (" + human.Line(l.Version, 40) + ")"
	}
	if l.Share > 0 && len(l.Stacks) > 0 {
		s += ", " + human.Percent(l.Share) + " in "
		if n := len(l.Stacks); n == 1 {
			s += "one stack"
		} else {
			s += human.Count(int64(n)) + " stacks"
		}
	}
	if stays {
		s += "; no more of them since " + human.Time(l.PlateauedAt, l.UpdatedAt)
	}
	if why := Pause(l); why != "" {
		s += "; " + why
	}
	return s
}

// footer says how many instances leak and when they reach their limits: "3 of 8
// instances", "100,000 goroutines in about 19 days".
func footer(l leak.Leak, o RenderOptions) []string {
	parts := []string{instances(l)}
	for _, p := range projections(l, o) {
		parts = append(parts, p.words())
	}
	if len(l.Stacks) == 0 && l.Missing != "" {
		parts = append(parts, "no stack: "+human.Line(l.Missing, 200))
	}
	return parts
}

// resolution says when and why the leak resolved.
func resolution(l leak.Leak) string {
	s := "resolved " + human.Time(l.ResolvedAt, l.UpdatedAt)
	if l.Resolution != "" {
		s += ": " + human.Line(l.Resolution, 200)
	}
	return s
}
