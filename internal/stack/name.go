package stack

import (
	"strings"

	"github.com/gorowatch/gorowatch/internal/origin"
)

// class is whose code a function is.
type class = origin.Class

const (
	classRuntime  = origin.Runtime
	classInternal = origin.Internal
	classStd      = origin.Std
	classLibrary  = origin.Library
	classUser     = origin.User
)

// Module is the module that a function was built from.
type Module = origin.Module

// ModuleOf reads the module of a dependency from the path of a file.
func ModuleOf(file string) (Module, bool) { return origin.ModuleOf(file) }

// function is the parsed name of a function.
type function struct {
	hash  uint64 // of the canonical name
	pkg   string
	fn    string
	class class
	// library is the path of the module, or of the well-known library, that it belongs to;
	// empty: none.
	library string
	op      string // what it waits for, if it is at the leaf
	kind
	lines lines

	isExplained bool   // explained is known
	explained   uint64 // its explanations, as a set of bits
}

// canonical returns the name of a function without what changes from one build to
// the next, and its package:
//
//   - type arguments, and the shapes that stand for them, go:
//     q.(*Queue[go.shape.int]).Push → q.Queue.Push
//   - so do the parentheses and stars of receivers: a wrapper around a
//     method has the value's;
//   - the numbers of closures, of the bodies of range loops, and of nested
//     ones go: main.run.func2.1, main.run.func1-range3 → main.run.func;
//   - a closure is named after the function that it stands in. From Go 1.21
//     to 1.26 the name of a closure that came with an inlined function also
//     has the functions that it was inlined into; they go:
//     main.start.(*pool).grow.func1 → main.pool.grow.func. A method of a
//     value cannot be told from such a chain, so its receiver goes, too.
//     Its package is that of the outermost function; origin.PackageOf knows better;
//   - method values (-fm) are their method;
//   - a vendored package is the package; %2e is the dot that it escapes, and
//     readable names, which have the dot, mean the same where it is certain;
//   - net/http.http2x is net/http/internal/http2.x, as of Go 1.27.
//
// The hash of the name is part of every signature, so none of this may change
// without a reason as good as a new Go version.
func canonical(name string) (pkg, fn string, kind kind) {
	name = dropTypeArgs(name)
	if i := strings.LastIndex(name, "/vendor/"); i >= 0 {
		name = name[i+len("/vendor/"):]
	}
	name = strings.TrimPrefix(name, "vendor/")
	slash := strings.LastIndexByte(name, '/') + 1
	dot := strings.IndexByte(name[slash:], '.')
	if dot < 0 {
		return "", name, kind
	}
	dot += dotted(name, slash, dot)
	pkg = name[:slash+dot]
	fn = name[slash+dot+1:]
	if strings.Contains(pkg, "%2e") {
		pkg = strings.ReplaceAll(pkg, "%2e", ".")
	}
	fn, kind = canonicalFunc(fn)
	if base, ok := strings.CutSuffix(pkg, "/internal/http2"); ok && base == "net/http" {
		pkg = base
	}
	if pkg == "net/http" {
		fn = strings.TrimPrefix(fn, "http2")
		fn = strings.ReplaceAll(fn, ".http2", ".")
	}
	return pkg, fn, kind
}

// dotted returns how much longer the path of the package is than up to the first dot of its
// last element. Profiles escape the others, so this is for readable names:
// "gopkg.in/yaml.v3.Unmarshal", and "nats.go.Connect", because no Go function can have a
// keyword as its name.
func dotted(name string, slash, dot int) int {
	element, _, more := strings.Cut(name[slash+dot+1:], ".")
	if !more {
		return 0
	}
	if element == "go" || strings.HasPrefix(name, "gopkg.in/") && numbered(element, "v") {
		return 1 + len(element)
	}
	return 0
}

// kind is what a name shows about the origin of a function.
type kind struct {
	wrapper bool // made around a go or defer statement
	guest   bool // a closure, perhaps inlined together with the function that contains it
}

// dropTypeArgs removes brackets and what is in them.
func dropTypeArgs(name string) string {
	open := strings.IndexByte(name, '[')
	if open < 0 {
		return name
	}
	var b strings.Builder
	b.Grow(len(name))
	b.WriteString(name[:open])
	depth := 0
	for _, c := range []byte(name[open:]) {
		switch c {
		case '[':
			depth++
		case ']':
			depth--
		default:
			if depth <= 0 {
				b.WriteByte(c)
			}
		}
	}
	return b.String()
}

// canonicalFunc is canonical for the name within the package.
func canonicalFunc(fn string) (string, kind) {
	if !strings.ContainsAny(fn, ".-(") {
		return fn, kind{}
	}
	var k kind
	parts := strings.Split(fn, ".")
	closure := false
	for len(parts) > 0 {
		last := parts[len(parts)-1]
		if i := strings.LastIndex(last, "-range"); i >= 0 && digits(last[i+len("-range"):]) {
			last, closure = last[:i], true
		}
		last = strings.TrimSuffix(last, "-fm")
		switch {
		case last == "":
		case digits(last), numbered(last, "func"):
			closure = true
		case numbered(last, "gowrap"), numbered(last, "deferwrap"):
			k.wrapper = true
		default:
			parts[len(parts)-1] = last
			var fn string
			fn, k.guest = enclosing(parts, closure)
			return fn, k
		}
		parts = parts[:len(parts)-1]
	}
	return "func", k
}

// enclosing returns the function that is last in parts, or the closures in it. It is a guest if
// more than a receiver comes before it.
func enclosing(parts []string, closure bool) (fn string, guest bool) {
	n := len(parts)
	fn = parts[n-1]
	before := n - 1
	if fn == "glob" || fn == "init" && n == 1 {
		fn = "init" // a package variable's closure, named glob..func1 before Go 1.21
	}
	if n > 1 {
		recv := parts[n-2]
		switch {
		case strings.HasPrefix(recv, "(*"):
			fn = strings.Trim(recv, "(*)") + "." + fn
			before--
		case !closure:
			fn = recv + "." + fn
			before--
		}
	}
	if closure {
		fn += ".func"
	}
	return fn, closure && before > 0
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// numbered matches "func1" and similar names.
func numbered(s, prefix string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && digits(rest)
}
