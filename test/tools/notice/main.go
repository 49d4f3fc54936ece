// Command notice reads the licences of every module that gorowatch links and prints the
// NOTICE file. It fails on a module without a licence, or with one that may not be linked
// into a program under Apache-2.0.
//
//	go run . -root=../../.. >../../../NOTICE
//	go run . -root=../../.. -texts=THIRD_PARTY_LICENSES >../../../NOTICE
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// accepted lists the licences that may be linked into a program under Apache-2.0.
var accepted = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MPL-2.0", "Unlicense", "Zlib"}

// weakCopyleft lists the licences whose own files must be offered as source.
var weakCopyleft = []string{"MPL-2.0"}

// platforms lists the operating systems that a release is built for.
var platforms = []string{"linux", "darwin", "windows"}

// module is a linked module with what its licence files say.
type module struct {
	Path, Version, Dir string

	licences   []string
	copyrights []string
	notices    []string // the texts of its NOTICE files
	texts      []string // the texts of its licence files
}

func main() {
	root := flag.String("root", ".", "folder of the repository")
	texts := flag.String("texts", "", "file to write the full licence texts to")
	flag.Parse()
	if err := run(os.Stdout, *root, *texts); err != nil {
		fmt.Fprintln(os.Stderr, "notice:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, root, texts string) error {
	modules, err := linkedModules(root)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range modules {
		errs = append(errs, m.read())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	writeNotice(w, modules)
	if texts == "" {
		return nil
	}
	var b bytes.Buffer
	writeTexts(&b, modules)
	return os.WriteFile(texts, b.Bytes(), 0o644)
}

// linkedModules lists the modules of the packages that the program links, on all platforms.
func linkedModules(root string) ([]*module, error) {
	found := map[string]*module{}
	for _, platform := range platforms {
		list := exec.Command("go", "list", "-deps", "-json=Module", "-tags=disable_grpc_modules,grpcnotrace", "./cmd/gorowatch")
		list.Dir, list.Stderr = root, os.Stderr
		list.Env = append(os.Environ(), "GOOS="+platform, "GOARCH=amd64", "CGO_ENABLED=0")
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("list the packages for %s: %w", platform, err)
		}
		decoder := json.NewDecoder(strings.NewReader(string(out)))
		for {
			var p struct {
				Module *struct {
					Path, Version, Dir string
					Main               bool
				}
			}
			if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, err
			}
			if p.Module != nil && !p.Module.Main {
				found[p.Module.Path] = &module{Path: p.Module.Path, Version: p.Module.Version, Dir: p.Module.Dir}
			}
		}
	}
	modules := make([]*module, 0, len(found))
	for _, m := range found {
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b *module) int { return cmp.Compare(a.Path, b.Path) })
	return modules, nil
}

var (
	licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)([-_.].*)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^notice([-_.].*)?$`)
	copyright   = regexp.MustCompile(`(?mi)^[ \t]*(?:[*#/]+ *)?(copyright (?:\(c\)|©|[0-9]{4}).*[a-z].*?)\s*$`)
)

// read classifies the licence files in the module's folder.
func (m *module) read() error {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	for _, e := range entries {
		isLicence, isNotice := licenceFile.MatchString(e.Name()), noticeFile.MatchString(e.Name())
		if e.IsDir() || filepath.Ext(e.Name()) == ".go" || !isLicence && !isNotice {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		if isNotice {
			m.notices = append(m.notices, string(text))
			continue
		}
		m.texts = append(m.texts, string(text))
		for _, match := range licensecheck.Scan(text).Match {
			if !match.IsURL && !slices.Contains(m.licences, match.ID) {
				m.licences = append(m.licences, match.ID)
			}
		}
		for _, c := range copyright.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(m.copyrights, c[1]) && !strings.Contains(c[1], "copyright owner") {
				m.copyrights = append(m.copyrights, c[1])
			}
		}
	}
	slices.Sort(m.licences)
	if len(m.licences) == 0 {
		return fmt.Errorf("%s %s: no licence that is known, in %s", m.Path, m.Version, m.Dir)
	}
	for _, l := range m.licences {
		if !slices.Contains(accepted, l) {
			return fmt.Errorf("%s %s: licence %s may not be linked, expected one of %s", m.Path, m.Version, l, strings.Join(accepted, ", "))
		}
	}
	return nil
}

const head = `gorowatch
Copyright the gorowatch authors

This product is licensed under the Apache License, Version 2.0 (file LICENSE).

It links the Go standard library (BSD-3-Clause, Copyright 2009 The Go Authors) and the
modules below. Release archives hold the full texts of their licences in the file
THIRD_PARTY_LICENSES. This file is generated: make notice.
`

func writeNotice(w io.Writer, modules []*module) {
	io.WriteString(w, head)
	io.WriteString(w, "\nModules under the Mozilla Public License 2.0. They are linked unchanged; the source of\neach is at https://pkg.go.dev/MODULE@VERSION:\n\n")
	for _, m := range modules {
		if m.isWeakCopyleft() {
			fmt.Fprintf(w, "  %s %s\n", m.Path, m.Version)
		}
	}
	io.WriteString(w, "\nAll modules:\n")
	for _, m := range modules {
		fmt.Fprintf(w, "\n%s %s\n  Licence: %s\n", m.Path, m.Version, strings.Join(m.licences, " and "))
		for _, c := range m.copyrights {
			fmt.Fprintf(w, "  %s\n", c)
		}
		for _, n := range m.notices {
			io.WriteString(w, "  Notice:\n")
			for line := range strings.SplitSeq(strings.TrimSpace(strings.ReplaceAll(n, "\r", "")), "\n") {
				fmt.Fprintln(w, strings.TrimRight("    "+line, " \t"))
			}
		}
	}
}

func (m *module) isWeakCopyleft() bool {
	return slices.ContainsFunc(m.licences, func(l string) bool { return slices.Contains(weakCopyleft, l) })
}

func writeTexts(w io.Writer, modules []*module) {
	for _, m := range modules {
		fmt.Fprintf(w, "==== %s %s ====\n\n", m.Path, m.Version)
		for _, text := range slices.Concat(m.texts, m.notices) {
			fmt.Fprintln(w, strings.TrimSpace(text))
			fmt.Fprintln(w)
		}
	}
}
