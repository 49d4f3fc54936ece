package stack

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack/explain"
)

// Hint says what usually causes a leak with such a stack.
type Hint = explain.Hint

// Hints finds the hints for many stacks of a program and parses each name once. It is not safe
// for concurrent use.
type Hints struct {
	program string
	n       *namer
}

// NewHints makes Hints for the stacks of a program, as ProgramOf returns it. Where somebody
// else has released the program, the hint is about the program and addresses who runs it.
func NewHints(program string) *Hints { return &Hints{program, newNamer()} }

// Of returns the hint for a growing stack. It returns false if programs normally wait at such a
// stack, or if the frames do not show the cause.
//
// The hint is about what blocks: the operation and the frames next to it. A function further
// from the leaf explains nothing if it called the user's code, or a library, and that code
// blocks itself.
func (h *Hints) Of(s *Stack) (Hint, bool) {
	return h.of(s.Op, s.Frames, isNil(s.State))
}

// isNil reports whether the channel of a wait reason is nil.
func isNil(reason string) bool { return strings.Contains(reason, " (nil chan)") }

// HintFor returns the hint for one stack: its operation, its wait reason if a dump has
// shown it, and its frames, leaf first. The program is as for NewHints.
func HintFor(program, op, reason string, frames []collector.Frame) (Hint, bool) {
	return NewHints(program).of(op, PointersTo(frames), isNil(reason))
}

// PointersTo returns frames as the stacks of profiles have them.
func PointersTo(frames []collector.Frame) []*collector.Frame {
	shared := make([]*collector.Frame, len(frames))
	for i := range frames {
		shared[i] = &frames[i]
	}
	return shared
}

// of returns the hint for an operation on frames. nilChannel means that the channel is nil.
func (h *Hints) of(op string, frames []*collector.Frame, nilChannel bool) (Hint, bool) {
	if hint := explain.OfProgram; h.program != "" {
		hint.Sentence = strings.ReplaceAll(hint.Sentence, "{program}", h.program)
		return hint, true
	}
	places := h.n.places(frames, nil)
	var key collector.Frame
	user := false
	if k := keyOf(places); k >= 0 {
		key, user = places[k].frame, places[k].class == classUser
	}
	blocks := blockingFrame(places)
	own := user && blocks >= 0 && places[blocks].class == classUser
	if nilChannel && own {
		return Hint{Kind: "nil-channel", Sentence: "blocked for ever on a nil channel " + where(key) + ": it was never made, or set to nil while still in use"}, true
	}
	for explained := matchingExplanations(op, places); explained != 0; explained &= explained - 1 {
		e := &explain.Explanations[bits.TrailingZeros64(explained)]
		if e.Ops != "" && op != Unknown && !slices.Contains(strings.Split(e.Ops, "|"), op) {
			continue
		}
		if e.Hint.Sentence == "" {
			return Hint{}, false
		}
		if !user {
			if h, ok := forCaller(e.Hint.Kind, places); ok {
				return h, true
			}
		}
		return hintAt(e.Hint, key), true
	}
	switch {
	case own:
		h, ok := explain.OfOperation[op]
		return hintAt(h, key), ok
	case user && blocks >= 0 && op == "sync.WaitGroup.Wait" && places[blocks].class == classLibrary:
		// Libraries such as errgroup wait for a WaitGroup too.
		return hintAt(explain.OfOperation[op], key), true
	case user && blocks >= 0 && (places[blocks].class == classLibrary || strings.HasPrefix(op, "chan ") || op == "select" || op == "IO wait"):
		h, ok := explain.OfCall[op]
		return hintAt(hintOfCall(h, places, blocks), key), ok
	case !user:
		return ofLibrary(op, places)
	}
	return Hint{}, false
}

// forCaller returns the hint for goroutines of a library whose explanation does not help its
// callers, because it addresses those whose code reads or writes.
func forCaller(kind string, places []*place) (Hint, bool) {
	i := keyOf(places)
	if i < 0 || places[i].class != classLibrary {
		return Hint{}, false
	}
	switch kind {
	case "network":
		return hintOf(explain.OfConnection, places[i]), true
	case "io-pipe":
		return hintOf(explain.OfLibraryPipe, places[i]), true
	case "exec":
		return hintOf(explain.OfOwned, places[i]), true
	}
	return Hint{}, false
}

// ofLibrary returns the hint for goroutines that run only in a library.
func ofLibrary(op string, places []*place) (Hint, bool) {
	i := keyOf(places)
	if i < 0 || places[i].class != classLibrary {
		return Hint{}, false
	}
	if h, ok := explain.OfLibrary[op]; ok {
		return hintOf(h, places[i]), true
	}
	switch op {
	case "select", "chan receive", "sync.Cond.Wait", "sleep", "select (no cases)", "IO wait", "syscall":
		return hintOf(explain.OfOwned, places[i]), true
	}
	return Hint{}, false
}

// hintOf returns the hint with the library and the object whose goroutine stands at a place.
func hintOf(h Hint, p *place) Hint {
	library := p.library
	if m, ok := ModuleOf(p.frame.File); ok {
		library = m.String()
	}
	object := "client or other object"
	recv, _, method := strings.Cut(strings.TrimSuffix(p.fn, ".func"), ".")
	switch made := madeBy(recv); {
	case isInternal(p.pkg): // internal packages are unknown to callers of the library
	case method && isExported(recv):
		object = recv
	case made != "":
		object = made
	}
	h.Sentence = strings.NewReplacer("{library}", library, "{object}", object).Replace(h.Sentence)
	return h
}

// isExported reports whether callers of a package can use a name.
func isExported(name string) bool { return name != "" && name[0] >= 'A' && name[0] <= 'Z' }

// madeBy returns what a constructor makes, by its name: "LRU" for "NewLRU".
func madeBy(constructor string) string {
	if made, ok := strings.CutPrefix(constructor, "New"); ok && isExported(made) {
		return made
	}
	return ""
}

// short returns the name of a function as callers write it: with the last element of its
// package's path.
func (p *place) short() string {
	name := p.frame.Func[strings.LastIndexByte(p.frame.Func, '/')+1:]
	if dir, last, ok := cutLast(p.pkg); ok && len(last) > 1 && last[0] == 'v' && digits(last[1:]) { // "v2" is not a name
		if rest, ok := strings.CutPrefix(name, last); ok {
			_, base, _ := cutLast("/" + dir)
			return base + rest
		}
	}
	return name
}

// cutLast cuts a path before its last element.
func cutLast(path string) (dir, last string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// hintOfCall returns the hint with the function of the library that the user's code called,
// which waits further down.
func hintOfCall(h Hint, places []*place, leaf int) Hint {
	call := ""
	for _, p := range places[leaf:] {
		if p.class == classUser {
			break
		}
		if p.class >= classStd && !p.isPrimitive() {
			call = p.short()
		}
	}
	h.Sentence = strings.ReplaceAll(h.Sentence, "{call}", call)
	return h
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
			allowed &^= explain.Masks.SamePackage
			if op == Unknown {
				// The operation is not known. Only the function at the leaf shows it.
				allowed &^= explain.Masks.OfOps
			}
		}
		explained |= allowed & p.explanations()
		passes := op == "IO wait" && p.isReadOrWrite()
		switch {
		case p.class == classUser && passes:
			allowed &= explain.Masks.Connections
		case p.class == classUser:
			return explained
		case p.class == classLibrary && passes:
			allowed &= explain.Masks.Connections | explain.Masks.Libraries
		case p.class == classLibrary:
			allowed &= explain.Masks.Libraries
		}
	}
	return explained
}

// isReadOrWrite reports whether a function is a Read or Write. A wrapper's one only calls that
// of the connection.
func (f *function) isReadOrWrite() bool {
	return strings.HasSuffix(f.fn, ".Read") || strings.HasSuffix(f.fn, ".Write")
}

// explanations returns the explanations that name the function, as a set of bits.
func (f *function) explanations() uint64 {
	if !f.isExplained {
		f.isExplained = true
		name := f.name() + "\n"
		for i, e := range explain.Explanations {
			if slices.ContainsFunc(e.Parts, func(part string) bool { return strings.HasPrefix(name, part) }) {
				f.explained |= 1 << i
			}
		}
	}
	return f.explained
}

// hintAt returns the hint with the place in its sentence.
func hintAt(h Hint, key collector.Frame) Hint {
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
