package check

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// places finds files of a build in a checkout.
type places struct {
	root   string // of the checkout, empty: unknown
	module string // path of its module, empty: unknown
	// required are the lines of go.mod that require a module, by its path.
	required map[string]int
}

// placesOf reads the checkout in a directory.
func placesOf(dir string) (p places) {
	p.root = dir
	data, err := os.ReadFile(filepath.Join(dir, goMod))
	if err != nil {
		return p
	}
	p.module = modfile.ModulePath(data)
	f, err := modfile.ParseLax(goMod, data, nil)
	if err != nil {
		return p
	}
	p.required = map[string]int{}
	for _, r := range f.Require {
		p.required[r.Mod.Path] = r.Syntax.Start.Line
	}
	return p
}

const goMod = "go.mod"

// isOwn reports whether a program is built from the checkout. Its module is that of the checkout,
// or one of the two is within the other, as in a repository of several modules.
func (p places) isOwn(program string) bool {
	path, _, _ := strings.Cut(program, " ") // it may have a version
	path, checkout := unversioned(path), unversioned(p.module)
	return path != "/" && checkout != "/" && (strings.HasPrefix(path, checkout) || strings.HasPrefix(checkout, path))
}

// unversioned returns the path of a module without its major version, as that of a folder:
// "github.com/acme/relay/" for "github.com/acme/relay/v2".
func unversioned(path string) string {
	prefix, _, _ := module.SplitPathVersion(path)
	return prefix + "/"
}

// of returns the place of a leak: the innermost frame in the checkout, or the go statement there.
// For a goroutine of a library it is the line of go.mod that requires it. It is empty if there
// is none of these.
func (p places) of(s *stack.Stack) (path string, line int) {
	frames := make([]collector.Frame, 0, len(s.Frames)+1)
	for _, f := range s.Frames {
		frames = append(frames, *f)
	}
	frames = append(frames, s.CreatedBy)
	for _, f := range frames {
		if path, ok := p.relative(f.File); ok && f.Line > 0 {
			return path, f.Line
		}
	}
	for _, f := range frames {
		if m, ok := stack.ModuleOf(f.File); ok && p.required[m.Path] > 0 {
			return goMod, p.required[m.Path]
		}
	}
	return "", 0
}

// relative returns the path of a file in the checkout. ok is false for a file outside of it,
// such as that of a library.
func (p places) relative(file string) (path string, ok bool) {
	file = filepath.ToSlash(file)
	if rest, cut := strings.CutPrefix(file, strings.TrimRight(filepath.ToSlash(p.root), "/")+"/"); cut && p.root != "" {
		return rest, true
	}
	// -trimpath leaves the path of the module.
	if rest, cut := strings.CutPrefix(file, p.module+"/"); cut && p.module != "" {
		return rest, true
	}
	// Built elsewhere: the longest end of the path that exists here.
	parts := strings.Split(strings.TrimPrefix(file, "/"), "/")
	for i := 1; i < len(parts) && p.root != ""; i++ {
		rest := strings.Join(parts[i:], "/")
		if !filepath.IsLocal(filepath.FromSlash(rest)) {
			return "", false
		}
		if info, err := os.Stat(filepath.Join(p.root, filepath.FromSlash(rest))); err == nil && info.Mode().IsRegular() {
			return rest, true
		}
	}
	return "", false
}
