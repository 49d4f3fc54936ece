package known

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/semver"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/origin"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/known"
	"github.com/gorowatch/gorowatch/leak"
)

// maxEntries is how many leaks a list may have.
const maxEntries = 1000

// List is a list of leaks that were reported.
type List struct {
	entries    []*Entry
	byFunction map[string][]*Entry // by the canonical name
	packages   map[string]bool     // of these functions
}

// BuiltIn returns the list that gorowatch comes with. A test checks that all of it can be read.
var BuiltIn = sync.OnceValue(func() *List {
	l, _ := Load(known.Files) // what can be read of it
	return l
})

// Load reads the *.yaml files of a folder. The list has all entries that can be read; the error
// has the others.
func Load(files fs.FS) (*List, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return &List{}, err
	}
	if len(names) > maxEntries {
		return &List{}, fmt.Errorf("%d files, more than %d", len(names), maxEntries)
	}
	l := &List{byFunction: map[string][]*Entry{}, packages: map[string]bool{}}
	var failed []error
	for _, name := range names {
		e, err := read(files, name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		l.add(&e)
	}
	return l, errors.Join(failed...)
}

func read(files fs.FS, name string) (Entry, error) {
	f, err := files.Open(name)
	if err != nil {
		return Entry{}, err
	}
	defer f.Close()
	return Read(path.Base(name), f)
}

// Read reads the file of one leak, and no more of it than a file may have.
func Read(name string, r io.Reader) (Entry, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Entry{}, fmt.Errorf("%q: %w", name, err)
	}
	return Parse(name, data)
}

func (l *List) add(e *Entry) {
	l.entries = append(l.entries, e)
	for _, f := range e.Functions {
		name, _ := stack.CanonicalFunc(collector.Frame{Func: f})
		if !slices.Contains(l.byFunction[name], e) {
			l.byFunction[name] = append(l.byFunction[name], e)
		}
		l.packages[packageOf(f)] = true
	}
}

// Entries returns all leaks of the list, ordered by module.
func (l *List) Entries() []Entry {
	out := make([]Entry, 0, len(l.entries))
	for _, e := range l.entries {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Module, b.Module), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Match is a known leak that resembles another leak.
type Match struct {
	Entry Entry
	// Version is the version of the module on the stack; empty: the stack does not show it.
	Version string
	// IsCertain means that the function and the version agree. Otherwise only the function does.
	IsCertain bool
}

// Match compares a leak with the list. The stacks that grow come first, then the holder. Of
// several matches, the first certain one is returned.
func (l *List) Match(x leak.Leak) (Match, bool) {
	var best Match
	found := false
	for _, s := range x.Stacks {
		stacks := [][]collector.Frame{s.Frames}
		if s.Holder != nil {
			stacks = append(stacks, s.Holder.Frames)
		}
		for _, frames := range stacks {
			switch m, ok := l.MatchFrames(frames); {
			case ok && m.IsCertain:
				return m, true
			case ok && !found:
				best, found = m, true
			}
		}
	}
	return best, found
}

// MatchFrames compares a stack, leaf first, with the list. A function counts only if no code
// of the user runs below it: a library that calls a function which blocks does not leak itself.
func (l *List) MatchFrames(frames []collector.Frame) (Match, bool) {
	return l.match(slices.Values(frames))
}

// MatchStack is MatchFrames for a stack of a profile.
func (l *List) MatchStack(s *stack.Stack) (Match, bool) {
	return l.match(func(yield func(collector.Frame) bool) {
		for _, f := range s.Frames {
			if !yield(*f) {
				return
			}
		}
	})
}

func (l *List) match(frames iter.Seq[collector.Frame]) (Match, bool) {
	// A difference of profiles has up to a million frames, nearly all of other packages.
	if !l.concerns(frames) {
		return Match{}, false
	}
	var best Match
	found := false
	user := "" // the code of the user that blocks
	for f := range frames {
		name, class := stack.CanonicalFunc(f)
		for _, e := range l.byFunction[name] {
			if user != "" && !e.owns(user) {
				continue
			}
			switch m, ok := e.match(f); {
			case ok && m.IsCertain:
				return m, true
			case ok && !found:
				best, found = m, true
			}
		}
		// Without versions in its paths, a library that is not well known looks like the user's code.
		if class == origin.User && user == "" {
			user = name
		}
	}
	return best, found
}

// concerns reports whether a function of a package with a known leak is on a stack.
func (l *List) concerns(frames iter.Seq[collector.Frame]) bool {
	for f := range frames {
		if l.packages[packageOf(f.Func)] {
			return true
		}
	}
	return false
}

// packageOf is the beginning of the package of a function: up to its first dot, which the
// linker may have escaped.
func packageOf(function string) string {
	path, _, _ := strings.Cut(function, "[") // type arguments have paths of their own
	if at := strings.LastIndex(path, "vendor/"); at >= 0 {
		path = path[at+len("vendor/"):]
	}
	folder := strings.LastIndexByte(path, '/') + 1
	name, _, _ := strings.Cut(path[folder:], ".")
	name, _, _ = strings.Cut(name, "%2e")
	return path[:folder+len(name)]
}

// owns reports whether a function is of the entry's module.
func (e *Entry) owns(name string) bool {
	return strings.HasPrefix(name, e.Module+".") || strings.HasPrefix(name, e.Module+"/")
}

// match compares the module and the version of a frame whose function agrees.
func (e *Entry) match(f collector.Frame) (Match, bool) {
	from, ok := origin.ModuleOf(f.File)
	if !ok || e.Module == std {
		return Match{Entry: *e, IsCertain: e.isOfAllVersions()}, true
	}
	return e.matchModule(from.Path, from.Version)
}

// matchModule compares the path and the version of a module.
func (e *Entry) matchModule(path, version string) (Match, bool) {
	m := Match{Entry: *e, IsCertain: e.isOfAllVersions()}
	switch {
	case path != e.Module: // a fork
		m.IsCertain = false
		return m, true
	case !semver.IsValid(version):
		return m, true
	}
	m.Version = version
	if e.Introduced != "" && semver.Compare(version, e.Introduced) < 0 || e.Fixed != "" && semver.Compare(version, e.Fixed) >= 0 {
		return Match{}, false
	}
	m.IsCertain = true
	return m, true
}

// isOfAllVersions reports whether there is no version without the leak.
func (e *Entry) isOfAllVersions() bool { return e.Introduced == "" && e.Fixed == "" }

// Module is a module of a program, and what replaces it; empty: nothing does.
type Module struct{ Path, Version, Replacement string }

// MatchModule compares a module of a program with the list. Whether the program calls what
// leaks is not known.
func (l *List) MatchModule(m Module) (out []Match) {
	for _, e := range l.Entries() {
		if e.Module != m.Path {
			continue
		}
		path := m.Path
		if m.Replacement != "" {
			path = m.Replacement
		}
		if x, ok := e.matchModule(path, m.Version); ok {
			out = append(out, x)
		}
	}
	return out
}
