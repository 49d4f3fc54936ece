package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gorowatch/gorowatch/internal/diff"
	"github.com/gorowatch/gorowatch/internal/human"
)

// Options of Run.
type Options struct {
	// Dump is the profile to read, as for diff.
	Dump string
	// Output is the file to write. "-" is standard output.
	Output string
	Loader diff.Loader
}

// Run converts one profile. What was written, and how the dump was read, goes to stderr.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) error {
	b := newBuilder()
	p, err := o.Loader.Read(ctx, o.Dump, b.add)
	if err != nil {
		return err
	}
	place := diff.Show(o.Dump)
	if p.Incomplete {
		return fmt.Errorf("%s: %w", place, diff.ErrIncomplete)
	}
	if p.ReadAs != "" {
		_, _ = fmt.Fprintf(stderr, "gorowatch: %s: read as: %s\n", place, human.Line(p.ReadAs, 400))
	}
	for _, w := range p.Warnings {
		_, _ = fmt.Fprintf(stderr, "gorowatch: %s: %s\n", place, human.Line(w, 400))
	}
	out := b.profile(p)
	if err := out.CheckValid(); err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	if o.Output == "-" {
		return out.Write(stdout)
	}
	if err := writeFile(o.Output, out.Write); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stderr, "gorowatch: wrote %s: %s in %s\n", o.Output, human.Plural(p.Total, "goroutine", "goroutines"), human.Plural(int64(len(out.Sample)), "stack", "stacks"))
	return nil
}

// writeFile writes a whole file or none. An existing file is replaced at the end.
func writeFile(path string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0) // such as /dev/stdout
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
