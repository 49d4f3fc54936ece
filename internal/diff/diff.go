package diff

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gorowatch/gorowatch/internal/stack"
)

// The formats of the output.
const (
	FormatTable    = "table"
	FormatJSON     = "json"
	FormatMarkdown = "markdown"
)

// Options of Run.
type Options struct {
	// Base and Head are the profiles, of any format: files, http and https
	// URLs, or gops://host:port.
	Base, Head string
	Format     string // one of the above; default FormatTable
	// Limit is the number of stacks shown in a table or in Markdown, those
	// that grew most. Default 0: all.
	Limit int
	// Top is the number of stacks in any format, rather than Limit. Default 0:
	// as Limit says, and all in JSON.
	Top    int
	Loader Loader
}

// Run compares two profiles and writes the report to stdout. What is odd about
// them goes to stderr. An error means that there is no report.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) error {
	base, err := o.Loader.Load(ctx, o.Base)
	if err != nil {
		return fmt.Errorf("base: %w", err)
	}
	head, err := o.Loader.Load(ctx, o.Head)
	if err != nil {
		return fmt.Errorf("head: %w", err)
	}
	for _, s := range []struct {
		snapshot *stack.Snapshot
		place    string
	}{{base, o.Base}, {head, o.Head}} {
		if s.snapshot.Incomplete {
			return fmt.Errorf("%s: %w", show(s.place), ErrIncomplete)
		}
		for _, w := range s.snapshot.Warnings {
			_, _ = fmt.Fprintf(stderr, "gorowatch: %s: %s\n", show(s.place), w)
		}
	}
	if !stack.Related(base, head) {
		_, _ = fmt.Fprintf(stderr, "gorowatch: these are profiles of different programs, it seems: they have no function in common\n")
	}
	limit := o.Top
	if limit == 0 && o.Format != FormatJSON {
		limit = o.Limit
	}
	return New(base, head).Write(stdout, o.Format, limit)
}

// ErrIncomplete says that counts mean nothing.
var ErrIncomplete = errors.New("the dump was cut at 64 MB, so its counts mean nothing; take the protocol buffer (without debug) instead")
