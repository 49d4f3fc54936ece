package stack

import "strings"

// Related reports whether two snapshots can be of the same program: whether some function of
// the user's own, or of a library, is on a stack of both. It is true if there are none to
// compare.
func Related(base, head *Snapshot) bool {
	for sig, st := range head.Stacks {
		if st.UserCode && base.Stacks[sig] != nil && !strings.HasPrefix(st.Key.Func, "main.") {
			return true
		}
	}
	n := newNamer()
	before := n.own(base)
	after := n.own(head)
	if len(before) == 0 || len(after) == 0 {
		return true
	}
	for f := range after {
		if before[f] {
			return true
		}
	}
	return false
}

// own returns the functions of a snapshot outside of the standard library. Every program has a
// main, so functions of package main include their file.
func (n *namer) own(s *Snapshot) map[string]bool {
	funcs := map[string]bool{}
	for _, st := range s.Stacks {
		for i, f := range n.places(st.Frames, nil) {
			switch {
			case f.class < classLibrary || f.fn == "":
			case f.pkg == "main":
				funcs[f.name()+" "+st.Frames[i].File] = true
			default:
				funcs[f.name()] = true
			}
		}
	}
	return funcs
}
