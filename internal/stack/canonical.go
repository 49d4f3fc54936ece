package stack

import (
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/origin"
)

// CanonicalFunc returns the name of a frame's function without what changes from one build to
// the next, such as type arguments and the numbers of closures, and whose code it is. Names
// that differ only in that are equal.
func CanonicalFunc(f collector.Frame) (name string, class origin.Class) {
	x := newFunction(f.Func, f.File)
	return x.name(), x.class
}
