package alerting

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// Text is a leak as a person reads it: a headline, the stacks that grow, and a
// line of what to know next. It ends without a line break.
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

// Hint says what a leak of this kind usually is, in one sentence without a full
// stop; empty where nothing fits.
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

// description is Text with the growing frames of the leading stack alone and
// without what has an annotation of its own.
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

// shortDescription is the headline.
func shortDescription(l leak.Leak) string {
	if l.State == leak.Resolved {
		return inert(headline(l) + "\n" + resolution(l))
	}
	return inert(headline(l))
}

// headline is "prod/checkout  +212 goroutines/h since 14:02 UTC (v1.42.0), 97 %
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

// footer is "3 of 8 instances", "100,000 goroutines in about 19 days".
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

func resolution(l leak.Leak) string {
	s := "resolved " + human.Time(l.ResolvedAt, l.UpdatedAt)
	if l.Resolution != "" {
		s += ": " + human.Line(l.Resolution, 200)
	}
	return s
}

// ServiceName is a service in a few words: the namespace first and the job
// after it, then the values of whatever other labels group services.
func ServiceName(service labels.Labels) string {
	var parts []string
	for _, name := range []string{"namespace", "job"} {
		if v := service.Get(name); v != "" {
			parts = append(parts, v)
		}
	}
	service.Range(func(l labels.Label) {
		if l.Name != "namespace" && l.Name != "job" && l.Value != "" {
			parts = append(parts, l.Value)
		}
	})
	if len(parts) == 0 {
		return "(no labels)"
	}
	return strings.Join(parts, "/")
}

// frame is a collector.Frame.
type frame struct {
	Func string
	File string
	Line int
}

// lead is the frame of a stack that a person should look at first.
func lead(s leak.StackGrowth) frame {
	if s.Key.Func == "" && len(s.Frames) > 0 {
		return frame(s.Frames[0])
	}
	return frame(s.Key)
}

// Widths, in characters.
const (
	maxFunc  = 100
	maxPlace = 60
)

// stackLines are the growing stacks of a leak in at most budget frames: the
// leading one as a whole if it fits, of each other one the frame to look at.
func stackLines(l leak.Leak, budget int) []string {
	const others = 3 // stacks besides the leading one that are shown
	shown := min(len(l.Stacks), 1+others, budget)
	var lines []string
	for i, s := range l.Stacks[:shown] {
		frames := 1
		if i == 0 {
			frames = budget - (shown - 1)
		}
		parted := i == 0 && s.Parted != nil && frames > 1
		if parted {
			frames--
		}
		lines = append(lines, countLine(s))
		lines = append(lines, frameLines(s, frames)...)
		if parted {
			lines = append(lines, "  "+partedLine(*s.Parted, l.UpdatedAt))
		}
	}
	if n := len(l.Stacks) - shown; n > 0 {
		lines = append(lines, "and "+human.Plural(int64(n), "stack", "stacks")+" more")
	}
	return lines
}

// countLine is "+1,904 (12 → 1,916)  chan send, blocked up to 118 min".
func countLine(s leak.StackGrowth) string {
	text := human.Change(s.Delta()) + " (" + human.Count(s.Base) + " → " + human.Count(s.Head) + ")"
	if s.Op != "" {
		text += "  " + human.Line(s.Op, 60)
	}
	if s.Wait > 0 {
		text += ", blocked up to " + human.Duration(s.Wait)
	}
	return text
}

// partedLine is "until 14:02 UTC as many as in main.(*Follower).wait
// (follow.go:17): 8 each, now 7 there".
func partedLine(p leak.Parting, now time.Time) string {
	text := "until " + human.Time(p.At, now) + " as many as in " + human.Func(p.Key.Func, maxFunc)
	if place := human.Line(human.Place(p.Key.File, p.Key.Line), maxPlace); place != "" {
		text += " (" + place + ")"
	}
	return text + ": " + human.Count(p.Both) + " each, now " + human.Count(p.Head) + " there"
}

// frameLines are at most n frames of a stack: the one to look at, those that
// called it, who started the goroutine, and where below it waits.
func frameLines(s leak.StackGrowth, n int) []string {
	type row struct{ name, place string }
	key := lead(s)
	if key.Func == "" {
		return nil
	}
	at := -1
	for i, f := range s.Frames {
		if frame(f) == key {
			at = i
			break
		}
	}
	show := func(prefix string, f frame) row {
		return row{prefix + human.Func(f.Func, maxFunc), human.Line(human.Place(f.File, f.Line), maxPlace)}
	}

	rows := []row{show("", key)}
	var tail []row
	// Without a file CreatedBy names the goroutine's first function alone,
	// which is the last of the frames already.
	if c := frame(s.CreatedBy); c.Func != "" && c.File != "" {
		tail = append(tail, show("created by ", c))
	}
	if at > 0 {
		tail = append(tail, show("waiting in ", frame(s.Frames[0])))
	}
	tail = tail[:max(min(len(tail), n-1), 0)]
	var callers []row
	for _, f := range s.Frames[at+1:] {
		callers = append(callers, show("", frame(f)))
	}
	room := max(n-1-len(tail), 0)
	left := max(len(callers)-room, 0)
	rows = append(rows, callers[:len(callers)-left]...)
	rows = append(rows, tail...)

	width := 0
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.name))
	}
	lines := make([]string, 0, len(rows)+1)
	for _, r := range rows {
		text := "  " + r.name
		if r.place != "" {
			text += strings.Repeat(" ", width-utf8.RuneCountInString(r.name)+3) + r.place
		}
		lines = append(lines, text)
	}
	if left > 0 && n > 1 {
		lines = append(lines, "  ("+strconv.Itoa(left)+" more)")
	}
	return lines
}

// stackDiff is the growing stacks in at most maxFrames frames and size bytes,
// in whole lines.
func stackDiff(l leak.Leak, size int) string {
	// Fewer frames are better than a stack without an end.
	for budget := maxFrames; budget > 0; budget-- {
		if text := inert(strings.Join(stackLines(l, budget), "\n")); len(text) <= size || budget == 1 {
			return cutLines(text, size)
		}
	}
	return ""
}

// leadDiff is the shortest stack_diff that names a line of code: the count and
// the frame to look at of the leading stack.
func leadDiff(l leak.Leak) string {
	lines := stackLines(l, 1)
	return inert(strings.Join(lines[:min(len(lines), 2)], "\n"))
}

// cutLines keeps as many whole lines of text as fit into size bytes.
func cutLines(text string, size int) string {
	for len(text) > size {
		i := strings.LastIndexByte(text, '\n')
		if i < 0 {
			return ""
		}
		text = text[:i]
	}
	return text
}
