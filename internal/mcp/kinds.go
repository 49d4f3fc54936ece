package mcp

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gorowatch/gorowatch/docs"
	"github.com/gorowatch/gorowatch/internal/human"
)

type kindsIn struct {
	Kind string `json:"kind,omitempty" jsonschema:"as explain_leak has it, for example chan-send"`
}

type kindsOut struct {
	Kinds []string `json:"kinds,omitempty"`
	Text  string   `json:"text,omitempty" jsonschema:"Markdown"`
	Page  string   `json:"page,omitempty"`
}

// kinds reads a page of the documentation.
func (t *tools) kinds(_ context.Context, in kindsIn) (kindsOut, error) {
	files, err := fs.Glob(docs.Files, "leaks/*.md")
	if err != nil {
		return kindsOut{}, err
	}
	var out kindsOut
	for _, f := range files {
		kind := strings.TrimSuffix(path.Base(f), ".md")
		if kind == in.Kind {
			text, err := fs.ReadFile(docs.Files, f)
			return kindsOut{Text: string(text), Page: t.api.Page("help", "leaks", kind)}, err
		}
		if kind != "README" {
			out.Kinds = append(out.Kinds, kind)
		}
	}
	if in.Kind != "" {
		return kindsOut{}, fmt.Errorf("there is no kind %q, expected one of %s", human.Line(in.Kind, 60), strings.Join(out.Kinds, ", "))
	}
	return out, nil
}
