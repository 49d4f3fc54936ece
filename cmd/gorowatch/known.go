package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/gorowatch/gorowatch/internal/known"
)

type knownFlags struct {
	format          *string
	files, binaries *[]string
}

func addKnown(c *cli) {
	cmd := c.Command("known", "List the leaks of libraries that gorowatch recognises: which versions leak, which release fixes it, and where it was reported. With --binary, exits with 1 if a program has a version that leaks and that a release fixes.")
	f := &knownFlags{
		format:   cmd.Flag("format", "Output format: table or json.").Default("table").Enum("table", "json"),
		binaries: cmd.Flag("binary", "List those of the modules that this Go program was built with. Repeatable.").PlaceHolder("FILE").Strings(),
		files:    cmd.Flag("file", "Check and list this file instead, as the folder known of the source has them. Repeatable.").PlaceHolder("FILE").Strings(),
	}
	c.add(cmd, f.run)
}

func (f *knownFlags) run(_ context.Context, stdout, _ io.Writer) error {
	switch {
	case len(*f.binaries) > 0 && len(*f.files) > 0:
		return errors.New("--binary and --file: expected one of them")
	case len(*f.binaries) > 0:
		return f.runBinaries(stdout)
	}
	entries := known.BuiltIn().Entries()
	if len(*f.files) > 0 {
		entries = []known.Entry{}
		var failed []error
		for _, name := range *f.files {
			e, err := knownFile(name)
			if err != nil {
				failed = append(failed, err)
				continue
			}
			entries = append(entries, e)
		}
		if err := errors.Join(failed...); err != nil {
			return err
		}
	}
	if *f.format == "json" {
		return writeJSON(stdout, map[string]any{"known": entries})
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODULE\tFIXED IN\tREPORTED\tSHOWN BY\tWHAT LEAKS, AND WHAT TO DO")
	for _, e := range entries {
		fixed, shown := e.Fixed, "museum: "+e.Museum
		if fixed == "" {
			fixed = "-"
		}
		if e.ReadOnly {
			shown = "read only"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s %s\n", e.Module, fixed, known.Ref(e.Issue), shown, e.Summary, e.Do)
	}
	return w.Flush()
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// knownFile reads the file of one leak.
func knownFile(name string) (known.Entry, error) {
	f, err := os.Open(name)
	if err != nil {
		return known.Entry{}, err
	}
	defer f.Close()
	return known.Read(filepath.Base(name), f)
}
