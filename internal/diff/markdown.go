package diff

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
)

func (r *Report) markdown(b *bufio.Writer, limit int) {
	_, _ = fmt.Fprintf(b, "**%s goroutines** (%s → %s)\n", human.Change(r.Growth), human.Count(r.Base.Goroutines), human.Count(r.Head.Goroutines))
	shown, rest := r.rows(limit)
	hints := stack.NewHints(r.Program)
	for i, s := range shown {
		if s.first != nil {
			_, _ = fmt.Fprintf(b, "\n**%s**\n", r.together(s.first))
		}
		_, _ = fmt.Fprintf(b, "\n```\n%s\n", s.headline())
		writeFrames(b, s.Delta.Stack)
		_, _ = b.WriteString("```\n")
		if h, ok := r.hintOf(i, s.Stack, hints); ok {
			sentence := human.Line(h.Sentence, 400)
			if r.Program == "" { // else it begins with the path of the program
				sentence = upperFirst(sentence)
			}
			_, _ = fmt.Fprintf(b, "\n%s.\n", escape(sentence))
		}
		if m, ok := s.Known(); ok {
			_, _ = fmt.Fprintf(b, "\n**%s**: %s. [Report](%s)\n", upperFirst(m.Name()), escape(human.Line(m.Sentence(), 600)), m.Entry.Issue)
		}
	}
	if len(r.Stacks) == 0 {
		_, _ = b.WriteString("\nNo stack changed.\n")
	}
	if rest > 0 {
		_, _ = fmt.Fprintf(b, "\n… and %s that changed less.\n", human.Plural(int64(rest), "stack", "stacks"))
	}
}

// escape turns a sentence with function names into plain Markdown.
func escape(s string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`).Replace(s)
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
