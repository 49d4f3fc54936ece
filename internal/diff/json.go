package diff

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/stack"
)

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
	shown, _ := r.top(limit)
	for _, part := range []struct {
		name  string
		value any
		is    bool
	}{{"labels", r.Labels, r.Labels != nil}, {"lockstep", r.jsonLocksteps(), len(r.Locksteps) > 0}} {
		if !part.is {
			continue
		}
		_, _ = fmt.Fprintf(b, "  %q: ", part.name)
		if err := writeJSON(b, &text, "  ", part.value); err != nil {
			return err
		}
		_, _ = b.WriteString(",\n")
	}
	_, _ = b.WriteString("  \"stacks\": [")
	hints := stack.NewHints(r.Program)
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

// writeJSON writes a value and prefixes all lines but the first. text is scratch space.
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

// jsonLockstep has stacks that grow in lockstep, by their signatures.
type jsonLockstep struct {
	Signatures []string `json:"signatures"`
	Ratio      []int    `json:"ratio"`
	Base       int64    `json:"base"`
	Head       int64    `json:"head"`
	Delta      int64    `json:"delta"`
}

func (r *Report) jsonLocksteps() []jsonLockstep {
	out := make([]jsonLockstep, len(r.Locksteps))
	for i, l := range r.Locksteps {
		out[i] = jsonLockstep{Ratio: l.Ratio, Base: l.Base, Head: l.Head, Delta: l.Growth()}
		for _, m := range l.Members {
			out[i].Signatures = append(out[i].Signatures, r.Stacks[m].Signature)
		}
	}
	return out
}
