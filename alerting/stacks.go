package alerting

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// frame is a collector.Frame that can be compared.
type frame struct {
	Func string
	File string
	Line int
}

// lead returns the frame of a stack that a person should look at first.
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

	maxHolder = 300

	maxLabel     = 60
	maxLabelLine = 200
	// maxVersion is enough for a version without a tag.
	maxVersion = 48
)

// stackLines shows the growing stacks of a leak in at most budget frames. The
// leading stack is whole if it fits; each other stack is the frame to look at.
func stackLines(l leak.Leak, budget int) []string {
	const others = 3 // stacks besides the leading one that are shown
	shown := min(len(l.Stacks), 1+others, budget)
	var lines []string
	for i, s := range l.Stacks[:shown] {
		frames := 1
		if i == 0 {
			frames = budget - (shown - 1)
		}
		hasPartner := i == 0 && s.Partner != nil && frames > 1
		if hasPartner {
			frames--
		}
		held := ""
		if i == 0 && s.Holder != nil && frames > 1 {
			held = human.Line("  probably held up by "+holderLine(s.Holder, l), maxHolder)
			frames--
		}
		leading := ""
		if i == 0 && len(s.Labels) > 0 && frames > 1 {
			leading = "  " + labelLine(s.Labels)
			frames--
		}
		lines = append(lines, countLine(s, l.UpdatedAt))
		rows := frameLines(s, frames)
		if held != "" && len(rows) > 0 { // receivers rely on the count and the frame to be first
			rows = slices.Insert(rows, 1, held)
		}
		if leading != "" {
			rows = append(rows, leading)
		}
		lines = append(lines, rows...)
		if hasPartner {
			lines = append(lines, "  "+partnerLine(*s.Partner, l.UpdatedAt))
		}
	}
	if n := len(l.Stacks) - shown; n > 0 {
		lines = append(lines, "and "+human.Plural(int64(n), "stack", "stacks")+" more")
	}
	return lines
}

// labelLine says which values of pprof labels lead: "method=/cart.Cart/Watch: 94 %".
func labelLine(all []leak.LabelShare) string {
	texts := make([]string, 0, len(all))
	for _, x := range all {
		texts = append(texts, LabelText(x))
	}
	return human.Line(strings.Join(texts, ", "), maxLabelLine)
}

// LabelText returns a leading label and its share of the growth: "method=/cart.Cart/Watch: 94 %".
func LabelText(x leak.LabelShare) string {
	return human.Line(x.Key, maxLabel) + "=" + human.Line(x.Value, maxLabel) + ": " + human.Percent(x.Share)
}

// countLine says how much a stack has grown: "+1,904 (12 → 1,916)  chan send, blocked up to 118 min".
func countLine(s leak.StackGrowth, now time.Time) string {
	text := human.Change(s.Delta()) + " (" + human.Count(s.Base) + " → " + human.Count(s.Head) + ")"
	if s.Op != "" {
		text += "  " + human.Line(s.Op, 60)
	}
	if s.Wait > 0 {
		text += ", " + blocked(s, now)
	}
	return text
}

// blocked says for how long the longest goroutine of a stack has been blocked. An older dump
// has its time: "blocked up to 12 min at 14:02 UTC".
func blocked(s leak.StackGrowth, now time.Time) string {
	text := "blocked up to " + human.Duration(s.Wait)
	if !s.WaitAt.IsZero() && now.Sub(s.WaitAt) >= freshWait {
		text += " at " + human.Time(s.WaitAt, now)
	}
	return text
}

// freshWait is the age from which a waiting time needs the time of its dump.
const freshWait = 10 * time.Minute

// partnerLine names the stack that had the same counts until this one grew: "until
// 14:02 UTC as many as in main.(*Follower).wait (follow.go:17): 8 each, now 7 there".
func partnerLine(p leak.Partner, now time.Time) string {
	text := "until " + human.Time(p.At, now) + " as many as in " + human.Func(p.Key.Func, maxFunc)
	if place := human.Line(human.Place(p.Key.File, p.Key.Line), maxPlace); place != "" {
		text += " (" + place + ")"
	}
	return text + ": " + human.Count(p.Both) + " each, now " + human.Count(p.Head) + " there"
}

// frameLines shows at most n frames of a stack: the one to look at, its callers, the
// go statement, and the frame below that waits.
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
		place := human.Line(human.Place(f.File, f.Line), maxPlace)
		if m, ok := stack.ModuleOf(f.File); ok && place != "" {
			place += " (" + human.Line(m.Version, maxVersion) + ")"
		}
		return row{prefix + human.Func(f.Func, maxFunc), place}
	}

	rows := []row{show("", key)}
	var tail []row
	// Without a file, CreatedBy only names the goroutine's first function, which is already the
	// last of the frames.
	if c := frame(s.CreatedBy); c.Func != "" && c.File != "" {
		tail = append(tail, show("created by ", c))
	}
	for i, c := range s.Callers {
		prefix := "perhaps called by "
		switch {
		case isStarter(c):
			prefix = "called by "
		case c.Link == leak.LinkCallback:
			prefix = "others run "
		}
		tail = append(tail, show(prefix, frame(c.Frame)))
		if i == 0 && c.From.Func != "" {
			tail = append(tail, show("  which is called by ", frame(c.From)))
		}
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

// stackDiff shows the growing stacks in at most maxFrames frames and size bytes, in
// whole lines.
func stackDiff(l leak.Leak, size int) string {
	// Fewer frames are better than a stack that is cut off.
	for budget := maxFrames; budget > 0; budget-- {
		if text := inert(strings.Join(stackLines(l, budget), "\n")); len(text) <= size || budget == 1 {
			return cutLines(text, size)
		}
	}
	return ""
}

// leadDiff returns the shortest stack_diff that names a line of code: the count of the
// leading stack and its frame to look at.
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
