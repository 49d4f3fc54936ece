package known

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/origin"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// Entry is a leak that was reported in public.
type Entry struct {
	// ID is the name of the file without its extension.
	ID string `yaml:"-" json:"id"`
	// Module is the path of the module that leaks; "std" is the standard library.
	Module string `yaml:"module" json:"module"`
	// Introduced is the first version with the bug. Empty: all before Fixed have it.
	Introduced string `yaml:"introduced" json:"introduced,omitempty"`
	// Fixed is the first version without it. Empty: there is none, or the library has to be
	// used in another way.
	Fixed string `yaml:"fixed" json:"fixed,omitempty"`
	// Functions are those whose goroutines leak, as a profile names them. One of them has to
	// be on the stack.
	Functions []string `yaml:"functions" json:"functions"`
	// Issue is the public report.
	Issue string `yaml:"issue" json:"issue"`
	// Summary says in a sentence what leaks. Do says what to do about it.
	Summary string `yaml:"summary" json:"summary"`
	Do      string `yaml:"do" json:"do"`
	// Museum is the program in test/museum/leaks that shows the leak.
	Museum string `yaml:"museum" json:"museum,omitempty"`
	// ReadOnly means that no program shows it: the entry comes from the source and the report.
	ReadOnly bool `yaml:"read_only" json:"read_only,omitempty"`
}

// Bounds of a file. What is larger is refused.
const (
	maxFile      = 8 << 10 // bytes
	maxFunctions = 16
	maxField     = 300 // bytes
)

// std is the module of the standard library.
const std = "std"

var idPattern = regexp.MustCompile(`^[a-z0-9]{1,40}$`)

// Parse reads the file of one leak. Every mistake is in the error.
func Parse(name string, data []byte) (Entry, error) {
	e, err := parse(name, data)
	if err != nil {
		return Entry{}, fmt.Errorf("%q: %w", name, err)
	}
	return e, nil
}

func parse(name string, data []byte) (Entry, error) {
	if len(data) > maxFile {
		return Entry{}, fmt.Errorf("has more than %d bytes", maxFile)
	}
	if !utf8.Valid(data) {
		return Entry{}, errors.New("is not UTF-8")
	}
	var e Entry
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&e); errors.Is(err, io.EOF) {
		return Entry{}, errors.New("is empty")
	} else if err != nil {
		return Entry{}, err
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Entry{}, errors.New("has more than one document")
	}
	id, ok := strings.CutSuffix(name, ".yaml")
	if !ok || !idPattern.MatchString(id) {
		return Entry{}, errors.New("the name is not lower-case letters and digits followed by .yaml")
	}
	e.ID = id
	return e, e.check()
}

// check returns all that is wrong with an entry.
func (e *Entry) check() error {
	var wrong []error
	add := func(field, format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%s: "+format, append([]any{field}, args...)...))
	}
	for _, f := range []struct {
		name, value string
		isOptional  bool
	}{
		{"module", e.Module, false}, {"introduced", e.Introduced, true}, {"fixed", e.Fixed, true},
		{"issue", e.Issue, false}, {"summary", e.Summary, false}, {"do", e.Do, false}, {"museum", e.Museum, true},
	} {
		switch {
		case f.value == "" && !f.isOptional:
			add(f.name, "is empty")
		case len(f.value) > maxField:
			add(f.name, "has more than %d bytes", maxField)
		case strings.IndexFunc(f.value, isHidden) >= 0:
			add(f.name, "has a line break or a character that cannot be seen")
		}
	}
	if e.Module != std && module.CheckPath(e.Module) != nil {
		add("module", "%.100q is not a module path", e.Module)
	}
	for _, v := range []struct{ name, value string }{{"introduced", e.Introduced}, {"fixed", e.Fixed}} {
		switch {
		case v.value == "":
		case e.Module == std:
			add(v.name, "frames do not have the version of the standard library")
		case !semver.IsValid(v.value):
			add(v.name, "%.100q is not a version, expected e.g. v1.2.3", v.value)
		}
	}
	if e.Introduced != "" && e.Fixed != "" && semver.Compare(e.Introduced, e.Fixed) >= 0 {
		add("fixed", "%.100q is not after introduced", e.Fixed)
	}
	e.checkFunctions(add)
	if u, err := url.Parse(e.Issue); e.Issue != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil) {
		add("issue", "is not an https address")
	}
	for _, s := range []struct{ name, value string }{{"summary", e.Summary}, {"do", e.Do}} {
		if s.value != "" && !strings.HasSuffix(s.value, ".") {
			add(s.name, "is not a sentence with a full stop")
		}
	}
	switch {
	case e.Museum != "" && e.ReadOnly:
		add("read_only", "has museum too; expected one of them")
	case e.Museum == "" && !e.ReadOnly:
		add("museum", "is empty; name the program that shows the leak, or set read_only: true")
	}
	return errors.Join(wrong...)
}

// checkFunctions reports what is wrong with the functions.
func (e *Entry) checkFunctions(add func(field, format string, args ...any)) {
	switch n := len(e.Functions); {
	case n == 0:
		add("functions", "is empty")
	case n > maxFunctions:
		add("functions", "has %d, more than %d", n, maxFunctions)
		return
	}
	for i, f := range e.Functions {
		field := fmt.Sprintf("functions[%d]", i)
		switch {
		case f == "" || len(f) > maxField || strings.IndexFunc(f, isHidden) >= 0:
			add(field, "is not the name of a function")
		case e.Module == std:
			if _, class := stack.CanonicalFunc(collector.Frame{Func: f}); class != origin.Std {
				add(field, "%.100q is not of the standard library", f)
			}
		case !strings.HasPrefix(f, e.Module+".") && !strings.HasPrefix(f, e.Module+"/"):
			add(field, "%.100q is not of module %.100s", f, e.Module)
		}
	}
}

func isHidden(r rune) bool { return !unicode.IsPrint(r) }
