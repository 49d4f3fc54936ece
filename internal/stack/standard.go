package stack

import "github.com/gorowatch/gorowatch/collector"

// Standard tells whether a frame is of the standard library: what a person
// looking for their own line may skip.
func Standard(f collector.Frame) bool {
	switch newFunction(f.Func, f.File).class {
	case classRuntime, classInternal, classStd:
		return true
	}
	return false
}
