package alerting

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorowatch/gorowatch/internal/human"
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
		lines = append(lines, countLine(s))
		lines = append(lines, frameLines(s, frames)...)
		if hasPartner {
			lines = append(lines, "  "+partnerLine(*s.Partner, l.UpdatedAt))
		}
	}
	if n := len(l.Stacks) - shown; n > 0 {
		lines = append(lines, "and "+human.Plural(int64(n), "stack", "stacks")+" more")
	}
	return lines
}

// countLine says how much a stack has grown: "+1,904 (12 → 1,916)  chan send, blocked up to 118 min".
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

// leadDiff is the shortest stack_diff that names a line of code: the count of the
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
