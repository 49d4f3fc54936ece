package stack

import (
	"slices"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/origin"
)

// Standard reports whether a frame is of the standard library, which a person who looks for
// their own line may skip.
func Standard(f collector.Frame) bool {
	switch newFunction(f.Func, f.File).class {
	case classRuntime, classInternal, classStd:
		return true
	}
	return false
}

// Program returns the program of a snapshot if somebody else has released it, by its function
// main; empty: it is the user's own, or main is on no stack.
func (s *Snapshot) Program() string {
	for _, st := range s.Stacks {
		if n := len(st.Frames); n > 0 && st.Frames[n-1].Func == "main.main" {
			return origin.ProgramOf(st.Frames[n-1].File)
		}
	}
	return ""
}

// RunInStandard reports whether goroutines stand in the standard library alone.
func RunInStandard(frames []*collector.Frame) bool {
	return !slices.ContainsFunc(frames, func(f *collector.Frame) bool { return !Standard(*f) })
}
