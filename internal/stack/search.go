package stack

import (
	"strings"

	"github.com/gorowatch/gorowatch/collector"
)

// SearchFor says what to search the user's code for to find who starts goroutines of a library:
// "calls of NewPool of github.com/panjf2000/ants/v2". It names the most exact thing that callers
// of the library can write: a function, a method, a type, or else the package. It is empty if
// the goroutines run the user's code, and if it would name a whole package of the standard
// library. createdBy is the go statement, without a Func: unknown.
func SearchFor(frames []collector.Frame, createdBy collector.Frame) string {
	n, shared := newNamer(), PointersTo(frames)
	if n.startOf(shared, createdBy) == nil {
		return ""
	}
	var chain []*function // from the go statement to the leaf
	if createdBy.Func != "" {
		chain = append(chain, n.function(&createdBy))
	}
	places := n.places(shared, nil)
	for i := len(places) - 1; i >= 0; i-- {
		if p := places[i]; !p.wrapper && p.fn != "" && p.class >= classStd {
			chain = append(chain, p.function)
		}
	}
	if len(chain) == 0 {
		return ""
	}
	library := chain[0]
	var typ *function
	for _, f := range chain {
		if f.class != library.class || f.library != library.library {
			break // what the library calls
		}
		recv, method, isMethod := strings.Cut(strings.TrimSuffix(f.fn, ".func"), ".")
		switch {
		case isInternal(f.pkg) || !isExported(recv):
		case !isMethod:
			return "calls of " + recv + " of " + f.pkg
		case isExported(method):
			return "calls of the method " + method + " of " + recv + " of " + f.pkg
		case typ == nil:
			typ = f
		}
	}
	switch {
	case typ != nil:
		recv, _, _ := strings.Cut(typ.fn, ".")
		return "uses of the type " + recv + " of " + typ.pkg
	case library.class != classLibrary:
		return ""
	case isInternal(library.pkg):
		return "calls into " + library.library
	}
	return "calls into " + library.pkg
}

// isInternal reports whether the callers of a library cannot import a package.
func isInternal(pkg string) bool { return strings.Contains(pkg+"/", "/internal/") }
