package main

import (
	"debug/buildinfo"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/known"
)

// binary is a program, and the known leaks of the modules that it was built with.
type binary struct {
	File    string     `json:"file"`
	Main    string     `json:"main,omitempty"` // its main module
	Version string     `json:"version,omitempty"`
	Modules int        `json:"modules"`
	Known   []v1.Known `json:"known"`
}

// readBinary reads what the linker wrote of the modules into a program.
func readBinary(file string) (binary, error) {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return binary{}, fmt.Errorf("--binary: %w", err)
	}
	out := binary{File: file, Main: info.Main.Path, Version: info.Main.Version, Known: []v1.Known{}}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == "" {
			continue // built without modules
		}
		out.Modules++
		module := known.Module{Path: m.Path, Version: m.Version}
		if m.Replace != nil {
			module.Version, module.Replacement = m.Replace.Version, m.Replace.Path
		}
		for _, match := range known.BuiltIn().MatchModule(module) {
			out.Known = append(out.Known, *v1.NewKnown(match))
		}
	}
	return out, nil
}

// isFixable reports whether the version leaks for certain, and a release does not.
func isFixable(k v1.Known) bool { return k.Certain && k.Fixed != "" }

func (f *knownFlags) runBinaries(w io.Writer) error {
	var all []binary
	hasLeak := false
	for _, file := range *f.binaries {
		b, err := readBinary(file)
		if err != nil {
			return err
		}
		all = append(all, b)
		for _, k := range b.Known {
			hasLeak = hasLeak || isFixable(k)
		}
	}
	if *f.format == "json" {
		if err := writeJSON(w, map[string]any{"binaries": all}); err != nil {
			return err
		}
	} else {
		for i, b := range all {
			if i > 0 {
				fmt.Fprintln(w)
			}
			b.write(w)
		}
	}
	if hasLeak {
		return errLeak
	}
	return nil
}

// write lists the leaks that an upgrade ends, those that may be, and what has to be used with
// care.
func (b binary) write(w io.Writer) {
	var fixable, possible, care []v1.Known
	for _, k := range b.Known {
		switch {
		case isFixable(k):
			fixable = append(fixable, k)
		case k.Fixed != "":
			possible = append(possible, k)
		default:
			care = append(care, k)
		}
	}
	fmt.Fprintf(w, "%s: %s, %s with a leak that an upgrade ends\n", human.Line(b.File, 200), human.Plural(int64(b.Modules), "module", "modules"), human.Count(int64(len(fixable))))
	list := func(title string, all []v1.Known) {
		if len(all) == 0 {
			return
		}
		fmt.Fprintf(w, "\n%s\n", title)
		for _, k := range all {
			fixed := ""
			if k.Fixed != "" {
				fixed = ", fixed in " + k.Fixed
			}
			fmt.Fprintf(w, "  %s%s\n    %s %s\n    %s\n", strings.TrimSpace(human.Line(k.Module+" "+k.Version, 200)), fixed, k.Summary, k.Do, k.Issue)
		}
	}
	list("These versions leak:", fixable)
	list("These may leak; a fork or a local copy has no version to compare:", possible)
	list("These leak if they are used in the wrong way:", care)
}
