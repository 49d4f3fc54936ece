package diff

import (
	"bufio"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/known"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// maxFrames is how many frames of a stack are shown to people.
const maxFrames = 16

func (r *Report) table(b *bufio.Writer, limit int) {
	_, _ = fmt.Fprintf(b, "base  %s  %s\n", human.FullTime(r.Base.Time), human.Plural(r.Base.Goroutines, "goroutine", "goroutines"))
	_, _ = fmt.Fprintf(b, "head  %s  %s  %s\n", human.FullTime(r.Head.Time), human.Plural(r.Head.Goroutines, "goroutine", "goroutines"), human.Change(r.Growth))
	r.Labels.table(b)
	shown, rest := r.rows(limit)
	hints := stack.NewHints(r.Program)
	for i, s := range shown {
		if s.first != nil {
			_, _ = fmt.Fprintf(b, "\n%s\n", r.together(s.first))
		}
		_, _ = fmt.Fprintf(b, "\n%s\n", s.headline())
		writeFrames(b, s.Delta.Stack)
		if text := s.labels(); text != "" {
			_, _ = fmt.Fprintf(b, "    labels: %s\n", text)
		}
		if h, ok := r.hintOf(i, s.Stack, hints); ok {
			_, _ = fmt.Fprintf(b, "    (%s)\n", human.Line(h.Sentence, 400))
		}
		if m, ok := s.Known(); ok {
			_, _ = fmt.Fprintf(b, "    %s: %s\n", m.Name(), human.Line(m.Sentence(), 600))
		}
	}
	if len(r.Stacks) == 0 {
		_, _ = b.WriteString("\nNo stack changed.\n")
	}
	if rest > 0 {
		_, _ = fmt.Fprintf(b, "\n… and %s that changed less.\n", human.Plural(int64(rest), "stack", "stacks"))
	}
}

// labels returns the pprof labels that all of its goroutines have. They may be sensitive, so
// they are only for people who look at profiles, not for pull requests.
func (s Stack) labels() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		all = append(all, name+"="+s.Labels[name])
	}
	return human.Line(strings.Join(all, ", "), 200)
}

// hintOf returns the hint for the stack in a row for people. For a released program it is the
// same for all stacks, so only the first row has it.
func (r *Report) hintOf(row int, s Stack, hints *stack.Hints) (stack.Hint, bool) {
	if r.Program != "" && row > 0 {
		return stack.Hint{}, false
	}
	return s.hint(hints)
}

// hint returns the hint for a stack that grew.
func (s Stack) hint(h *stack.Hints) (stack.Hint, bool) {
	if s.Growth() <= 0 {
		return stack.Hint{}, false
	}
	return h.Of(s.Delta.Stack)
}

// Known returns a leak of a library that was reported in public, if what grew looks like one.
func (s Stack) Known() (known.Match, bool) {
	if s.Growth() <= 0 {
		return known.Match{}, false
	}
	return known.BuiltIn().MatchStack(s.Delta.Stack)
}

// headline returns "+1,904 (12 → 1,916) 97 % chan send, blocked up to 118 min".
func (s Stack) headline() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s → %s)", human.Change(s.Growth()), human.Count(s.Base), human.Count(s.Head))
	if s.Share > 0 {
		fmt.Fprintf(&b, "  %s", human.Percent(s.Share))
	}
	op := s.State
	if op == "" {
		op = s.Op
	}
	if op == "" {
		op = "blocked" // debug=1 does not show the operation
	}
	fmt.Fprintf(&b, "  %s", human.Line(op, 60))
	if s.Wait > 0 {
		fmt.Fprintf(&b, ", blocked up to %s", human.Duration(s.Wait))
	}
	if s.Leaked > 0 {
		fmt.Fprintf(&b, ", %s unreachable", human.Count(s.Leaked))
	}
	return b.String()
}

// writeFrames writes the frames in two columns, with an arrow at the one to look at first.
func writeFrames(b *bufio.Writer, s *stack.Stack) {
	type line struct{ mark, name, place string }
	var lines []line
	marked := false
	for i, f := range s.Frames {
		if i >= maxFrames {
			lines = append(lines, line{name: fmt.Sprintf("… %d more", len(s.Frames)-i)})
			break
		}
		l := line{name: name(*f), place: human.Place(f.File, f.Line)}
		if !marked && *f == s.Key && len(s.Frames) > 1 {
			l.mark, marked = "→", true
		}
		lines = append(lines, l)
	}
	if s.CreatedBy.Func != "" {
		lines = append(lines, line{name: "created by " + name(s.CreatedBy), place: human.Place(s.CreatedBy.File, s.CreatedBy.Line)})
	}
	width := 0
	for _, l := range lines {
		width = max(width, len([]rune(l.name)))
	}
	for _, l := range lines {
		mark := l.mark
		if mark == "" {
			mark = " "
		}
		_, _ = b.WriteString(strings.TrimRight(fmt.Sprintf("  %s %-*s  %s", mark, width, l.name, l.place), " "))
		_ = b.WriteByte('\n')
	}
}

func name(f collector.Frame) string {
	if f.Func == "" {
		return "(no name)"
	}
	return human.Func(f.Func, 100)
}
