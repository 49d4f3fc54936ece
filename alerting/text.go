package alerting

import (
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
	h, ok := stack.HintFor(l.Stacks[0].Op, l.Stacks[0].Frames)
	if !ok {
		return ""
	}
	return human.Line(h.Sentence, 400)
}

// description is Text with fewer frames and without what other annotations say.
func description(l leak.Leak, o RenderOptions) string {
	lines := []string{headline(l)}
	for _, s := range stackLines(l, 3) {
		lines = append(lines, "  "+s)
	}
	if hint := Hint(l); hint != "" {
		lines = append(lines, "Usually: "+hint+".")
	}
	lines = append(lines, strings.Join(footer(l, o), " · "))
	if l.State == leak.Resolved {
		lines = append(lines, resolution(l))
	}
	if text := inert(strings.Join(lines, "\n")); len(text) <= maxDescription {
		return text
	}
	return shortDescription(l)
}

// shortDescription is the headline, with the resolution of a resolved leak.
func shortDescription(l leak.Leak) string {
	if l.State == leak.Resolved {
		return inert(headline(l) + "\n" + resolution(l))
	}
	return inert(headline(l))
}

// headline says who leaks, how fast and since when: "prod/checkout  +212 goroutines/h since 14:02 UTC (v1.42.0), 97 %
// in one stack".
func headline(l leak.Leak) string {
	what, stays := "+"+rate(l), !l.PlateauedAt.IsZero() && l.State != leak.Resolved
	switch {
	case stays:
		what = human.Number(l.Leaked) + " leaked goroutines stay"
	case paused(l) && len(l.Instances) > 0:
		what = human.Number(l.Leaked) + " leaked goroutines"
	case !l.PlateauedAt.IsZero(), paused(l), l.State == leak.Resolved && !(l.Rate.Value > 0):
		what = "leaked"
	}
	s := human.Line(ServiceName(l.Service), 80) + "  " + what + since(l)
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
