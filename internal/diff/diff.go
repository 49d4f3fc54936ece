package diff

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// The formats of the output.
const (
	FormatTable    = "table"
	FormatJSON     = "json"
	FormatMarkdown = "markdown"
)

// DefaultTop returns how many stacks a format shows to people. JSON has all (0).
func DefaultTop(format string) int {
	if format == FormatJSON {
		return 0
	}
	return 20
}

// Options of Run.
type Options struct {
	// Base and Head are the profiles, of any format: files, http and https
	// URLs, or gops://host:port.
	Base, Head string
	Format     string // one of the above; default FormatTable
	// Label separates stacks by a pprof label, KEY, or selects those with a value, KEY=VALUE.
	// Default: neither.
	Label string
	// Top is the number of stacks to show, those that grew most; 0: all.
	Top    int
	Loader Loader
}

// Run compares two profiles and writes the report to stdout. Warnings about them go to stderr.
// An error means that there is no report.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) error {
	o.Loader.label = o.Label
	b, err := o.Loader.load(ctx, o.Base)
	if err != nil {
		return fmt.Errorf("base: %w", err)
	}
	h, err := o.Loader.load(ctx, o.Head)
	if err != nil {
		return fmt.Errorf("head: %w", err)
	}
	base, head := b.all, h.all
	for _, s := range []struct {
		snapshot *stack.Snapshot
		place    string
	}{{base, o.Base}, {head, o.Head}} {
		if s.snapshot.Incomplete {
			return fmt.Errorf("%s: %w", Show(s.place), ErrIncomplete)
		}
		for _, line := range Remarks(s.snapshot, o.Format) {
			_, _ = fmt.Fprintf(stderr, "gorowatch: %s: %s\n", Show(s.place), line)
		}
	}
	if !stack.Related(base, head) {
		_, _ = fmt.Fprintf(stderr, "gorowatch: these are profiles of different programs, it seems: they have no function in common\n")
	}
	report := New(base, head)
	switch key, _, filter := splitLabel(o.Label); {
	case o.Label == "":
	case base.Total+head.Total == 0:
		return fmt.Errorf("no goroutine has the label %s; debug=1 and profiles of Go before 1.27 in debug=2 may have none", o.Label)
	case !filter:
		report = byLabel(key, b, h)
	default:
		report.Program = stack.ProgramOf(h.main, b.main, head, base)
	}
	return report.Write(stdout, o.Format, o.Top)
}

// Remarks returns what a person should know about how a profile was read, a line each. The JSON
// itself has what was stripped or assumed.
func Remarks(s *stack.Snapshot, format string) (lines []string) {
	if s.ReadAs != "" && format != FormatJSON {
		lines = append(lines, "read as: "+human.Line(s.ReadAs, 400))
	}
	return append(lines, s.Warnings...)
}

// ErrIncomplete means that counts are meaningless.
var ErrIncomplete = errors.New("the dump was cut at 64 MB, so its counts mean nothing; take the protocol buffer (without debug) instead")
