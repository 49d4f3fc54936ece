package diff

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// Report is the change from one profile to another.
type Report struct {
	Base, Head Side
	// Growth is the number of goroutines that came, negative where they went.
	Growth int64
	Stacks []Stack // most grown first
}

// Side is one of the two profiles.
type Side struct {
	Time       time.Time
	Goroutines int64
	// ReadAs says what of a pasted dump was stripped, assumed or ignored.
	ReadAs string
	// Warnings are what is odd about the profile.
	Warnings []string
}

// Stack is the change of one stack.
type Stack struct {
	stack.Delta
	// Share is its part of all that grew, 0 to 1; 0 for one that did not.
	Share float64
}

// New compares two snapshots.
func New(base, head *stack.Snapshot) *Report {
	return Of(base, head, stack.Diff(base, head))
}

// Of is a report of some of the changes between two snapshots.
func Of(base, head *stack.Snapshot, deltas []stack.Delta) *Report {
	r := &Report{
		Base:   side(base),
		Head:   side(head),
		Growth: head.Total - base.Total,
		Stacks: make([]Stack, len(deltas)),
	}
	var grown float64
	for _, d := range deltas {
		grown += float64(max(d.Growth(), 0))
	}
	for i, d := range deltas {
		r.Stacks[i] = Stack{Delta: d}
		if d.Growth() > 0 {
			r.Stacks[i].Share = float64(d.Growth()) / grown
		}
	}
	return r
}

func side(s *stack.Snapshot) Side { return Side{s.Time, s.Total, s.ReadAs, s.Warnings} }

// Write writes the report in a format. limit bounds the number of stacks, those
// that grew most; 0 shows all.
func (r *Report) Write(w io.Writer, format string, limit int) error {
	// Of a large service it is megabytes, so it is written as it is made.
	b := bufio.NewWriter(w)
	var err error
	switch format {
	case "", FormatTable:
		r.table(b, limit)
	case FormatMarkdown:
		r.markdown(b, limit)
	case FormatJSON:
		err = r.json(b, limit)
	default:
		err = fmt.Errorf("no format %q: want %s, %s or %s", format, FormatTable, FormatJSON, FormatMarkdown)
	}
	if err == nil {
		err = b.Flush()
	}
	return err
}

// The form of the JSON is a contract of the command line: an object with base,
// head, growth and stacks.
type jsonSide struct {
	Time       time.Time `json:"time"`
	Goroutines int64     `json:"goroutines"`
	ReadAs     string    `json:"read_as,omitempty"`
	Warnings   []string  `json:"warnings,omitempty"`
}

func (s Side) json() jsonSide { return jsonSide{s.Time.UTC(), s.Goroutines, s.ReadAs, s.Warnings} }

// json writes one stack at a time: all of them can be 50 MB of text.
func (r *Report) json(b *bufio.Writer, limit int) error {
	head := []struct {
		name  string
		value any
	}{
		{"base", r.Base.json()},
		{"head", r.Head.json()},
		{"growth", r.Growth},
	}
	var text bytes.Buffer
	_, _ = b.WriteString("{\n")
	for _, h := range head {
		_, _ = fmt.Fprintf(b, "  %q: ", h.name)
		if err := writeJSON(b, &text, "  ", h.value); err != nil {
			return err
		}
		_, _ = b.WriteString(",\n")
	}
	shown, _ := r.shown(limit)
	_, _ = b.WriteString("  \"stacks\": [")
	hints := stack.NewHints()
	for i, s := range shown {
		if i > 0 {
			_ = b.WriteByte(',')
		}
		_, _ = b.WriteString("\n    ")
		if err := writeJSON(b, &text, "    ", s.json(hints)); err != nil {
			return err
		}
	}
	if len(shown) > 0 {
		_, _ = b.WriteString("\n  ")
	}
	_, err := b.WriteString("]\n}\n")
	return err
}

// writeJSON writes a value whose lines begin with prefix, but for the first. text
// is room for it.
func writeJSON(b *bufio.Writer, text *bytes.Buffer, prefix string, v any) error {
	text.Reset()
	e := json.NewEncoder(text)
	e.SetEscapeHTML(true)
	e.SetIndent(prefix, "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := b.Write(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
	return err
}

func (s Stack) json(hints *stack.Hints) v1.Stack {
	x := v1.NewChange(s.Delta, s.Share)
	if h, ok := s.hint(hints); ok {
		x.Hint = &v1.Hint{Kind: h.Kind, Sentence: h.Sentence}
	}
	return x
}

// maxFrames is how many frames of a stack are shown to people.
const maxFrames = 16

func (r *Report) table(b *bufio.Writer, limit int) {
	_, _ = fmt.Fprintf(b, "base  %s  %s\n", human.FullTime(r.Base.Time), human.Plural(r.Base.Goroutines, "goroutine", "goroutines"))
	_, _ = fmt.Fprintf(b, "head  %s  %s  %s\n", human.FullTime(r.Head.Time), human.Plural(r.Head.Goroutines, "goroutine", "goroutines"), human.Change(r.Growth))
	shown, rest := r.shown(limit)
	hints := stack.NewHints()
	for _, s := range shown {
		_, _ = fmt.Fprintf(b, "\n%s\n", s.headline())
		writeFrames(b, s.Delta.Stack)
		if text := s.labels(); text != "" {
			_, _ = fmt.Fprintf(b, "    labels: %s\n", text)
		}
		if h, ok := s.hint(hints); ok {
			_, _ = fmt.Fprintf(b, "    (%s)\n", human.Line(h.Sentence, 400))
		}
	}
	if len(r.Stacks) == 0 {
		_, _ = b.WriteString("\nNo stack changed.\n")
	}
	if rest > 0 {
		_, _ = fmt.Fprintf(b, "\n… and %s that changed less.\n", human.Plural(int64(rest), "stack", "stacks"))
	}
}

// labels are the pprof labels that all of its goroutines have. They may be
// sensitive: they are for who looks at profiles, not for pull requests.
func (s Stack) labels() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		all = append(all, name+"="+s.Labels[name])
	}
	return human.Line(strings.Join(all, ", "), 200)
}

// hint is for what grew.
func (s Stack) hint(h *stack.Hints) (stack.Hint, bool) {
	if s.Growth() <= 0 {
		return stack.Hint{}, false
	}
	return h.Of(s.Delta.Stack)
}

// headline is "+1,904 (12 → 1,916)  97 %  chan send, blocked up to 118 min".
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
		op = "blocked" // debug=1 does not say in what
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

// writeFrames writes the frames in two columns, an arrow at the one to look
// at first.
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

func (r *Report) shown(limit int) (shown []Stack, rest int) {
	if limit <= 0 || limit >= len(r.Stacks) {
		return r.Stacks, 0
	}
	return r.Stacks[:limit], len(r.Stacks) - limit
}

func (r *Report) markdown(b *bufio.Writer, limit int) {
	_, _ = fmt.Fprintf(b, "**%s goroutines** (%s → %s)\n", human.Change(r.Growth), human.Count(r.Base.Goroutines), human.Count(r.Head.Goroutines))
	shown, rest := r.shown(limit)
	hints := stack.NewHints()
	for _, s := range shown {
		_, _ = fmt.Fprintf(b, "\n```\n%s\n", s.headline())
		writeFrames(b, s.Delta.Stack)
		_, _ = b.WriteString("```\n")
		if h, ok := s.hint(hints); ok {
			_, _ = fmt.Fprintf(b, "\n%s.\n", escape(upperFirst(human.Line(h.Sentence, 400))))
		}
	}
	if len(r.Stacks) == 0 {
		_, _ = b.WriteString("\nNo stack changed.\n")
	}
	if rest > 0 {
		_, _ = fmt.Fprintf(b, "\n… and %s that changed less.\n", human.Plural(int64(rest), "stack", "stacks"))
	}
}

// escape makes a sentence, which has names of functions in it, plain Markdown.
func escape(s string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`).Replace(s)
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
