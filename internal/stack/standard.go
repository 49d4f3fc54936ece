package stack

import (
	"cmp"
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

// ProgramOf returns the program of snapshots if somebody else has released it, by its function
// main; of several programs or versions, that of the first snapshot that shows one. It is empty
// if any is the user's own, and if main is on no stack. A nil snapshot has no stacks.
func ProgramOf(snapshots ...*Snapshot) (program string) {
	for _, s := range snapshots {
		released, own := s.program()
		if own {
			return ""
		}
		program = cmp.Or(program, released)
	}
	return program
}

// program returns the released program of a snapshot, or that it has one of the user's own. The
// dumps of several programs may have been added up.
func (s *Snapshot) program() (released string, own bool) {
	if s == nil {
		return "", false
	}
	for _, st := range s.Stacks {
		if n := len(st.Frames); n == 0 || st.Frames[n-1].Func != "main.main" {
			continue
		}
		for _, v := range st.ways() {
			is := origin.ProgramOf(v.shape.Frames[len(v.shape.Frames)-1].File)
			if is == "" {
				return "", true
			}
			if released == "" || is < released {
				released = is
			}
		}
	}
	return released, false
}

// RunInStandard reports whether goroutines stand in the standard library alone.
func RunInStandard(frames []*collector.Frame) bool {
	return !slices.ContainsFunc(frames, func(f *collector.Frame) bool { return !Standard(*f) })
}
