package stack

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
)

// Hint says what usually causes a leak with such a stack.
type Hint struct {
	// Kind names the page in docs/leaks.
	Kind string
	// Sentence says what probably happened and what to do, without a full stop.
	Sentence string
}

// Hints finds the hints for many stacks and parses each name once. It is not safe for
// concurrent use.
type Hints struct{ n *namer }

// NewHints makes Hints.
func NewHints() *Hints { return &Hints{newNamer()} }

// Of returns the hint for a growing stack. It returns false where programs normally wait
// at such a stack, or where the frames do not tell.
//
// The hint is about what blocks: the operation and the frames next to it. A function
// further from the leaf explains nothing if it called the user's code, or a library,
// and that code blocks itself.
func (h *Hints) Of(s *Stack) (Hint, bool) {
	return h.of(s.Op, s.Frames, strings.Contains(s.State, " (nil chan)"))
}

// HintFor returns the hint for one stack: its operation, and its frames, leaf first.
func HintFor(op string, frames []collector.Frame) (Hint, bool) {
	shared := make([]*collector.Frame, len(frames))
	for i := range frames {
		shared[i] = &frames[i]
	}
	return NewHints().of(op, shared, false)
}

// of returns the hint for an operation on frames. nilChannel means that the channel is nil.
func (h *Hints) of(op string, frames []*collector.Frame, nilChannel bool) (Hint, bool) {
	places := h.n.places(frames, nil)
	var key collector.Frame
	user := false
	if k := keyOf(places); k >= 0 {
		key, user = places[k].frame, places[k].class == classUser
	}
	blocks := blockingFrame(places)
	own := user && blocks >= 0 && places[blocks].class == classUser
	if nilChannel && own {
		return Hint{"nil-channel", "blocked for ever on a nil channel " + where(key) + ": it was never made, or set to nil while still in use"}, true
	}
	for explained := matchingExplanations(op, places); explained != 0; explained &= explained - 1 {
		e := &explanations[bits.TrailingZeros64(explained)]
		if e.ops != "" && op != Unknown && !slices.Contains(strings.Split(e.ops, "|"), op) {
			continue
		}
		if e.hint.Sentence == "" {
			return Hint{}, false
		}
		return e.hint.at(key), true
	}
	// Libraries such as errgroup wait for a WaitGroup too.
	if !own && !(user && op == "sync.WaitGroup.Wait" && places[blocks].class == classLibrary) {
		return Hint{}, false
	}
	if h, ok := hintOfOperation[op]; ok {
		return h.at(key), true
	}
	return Hint{}, false
}

// blockingFrame returns the index of the frame that waits, the first that is not part of
// an operation; -1: there is none.
func blockingFrame(places []*place) int {
	for i, p := range places {
		if !p.isPrimitive() {
			return i
		}
	}
	return -1
}

// isPrimitive reports whether a function is part of an operation, or made by the
// compiler.
func (f *function) isPrimitive() bool {
	switch {
	case f.wrapper, f.fn == "", f.class == classRuntime, f.class == classInternal:
		return true
	case f.class != classStd:
		return false
	}
	switch f.pkg {
	case "sync", "time", "reflect", "iter", "context", "syscall":
		return true
	}
	return false
}

// matchingExplanations returns the explanations of the functions that are near enough to
// the leaf, as a set of bits.
func matchingExplanations(op string, places []*place) uint64 {
	var explained uint64
	allowed := ^uint64(0)
	leaf := blockingFrame(places)
	for i, p := range places {
		if p.wrapper || p.fn == "" || p.class == classRuntime || p.class == classInternal {
			continue
		}
		if i >= leaf && leaf >= 0 && p.pkg != places[leaf].pkg {
			allowed &^= explanationMasks.samePackage
			if op == Unknown {
				// The operation is not known. Only the function at the leaf tells it.
				allowed &^= explanationMasks.ofOps
			}
		}
		explained |= allowed & p.explanations()
		passes := op == "IO wait" && p.isReadOrWrite()
		switch {
		case p.class == classUser && passes:
			allowed &= explanationMasks.connections
		case p.class == classUser:
			return explained
		case p.class == classLibrary && passes:
			allowed &= explanationMasks.connections | explanationMasks.libraries
		case p.class == classLibrary:
			allowed &= explanationMasks.libraries
		}
	}
	return explained
}

// isReadOrWrite reports whether a function is a Read or Write. In a wrapper of a
// connection it only calls that of the connection.
func (f *function) isReadOrWrite() bool {
	return strings.HasSuffix(f.fn, ".Read") || strings.HasSuffix(f.fn, ".Write")
}

// explanations returns the explanations that name the function, as a set of bits.
func (f *function) explanations() uint64 {
	if !f.isExplained {
		f.isExplained = true
		name := f.name() + "\n"
		for i, e := range explanations {
			if slices.ContainsFunc(e.parts, func(part string) bool { return strings.HasPrefix(name, part) }) {
				f.explained |= 1 << i
			}
		}
	}
	return f.explained
}

// at returns the hint with the place in its sentence.
func (h Hint) at(key collector.Frame) Hint {
	h.Sentence = strings.ReplaceAll(h.Sentence, "{place}", where(key))
	return h
}

// where names the place of a frame, for a sentence.
func where(key collector.Frame) string {
	_, fn, _ := canonical(key.Func)
	if fn == "" {
		return "in code without a name"
	}
	if outer, ok := strings.CutSuffix(fn, ".func"); ok {
		return "in a closure of " + outer
	}
	return "in " + fn
}
