package stack

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
)

// Shape is the part of a stack that is the same in each profile that has it. It is stored once
// for all of them.
type Shape struct {
	// Signature is the identity of the stack: 16 hexadecimal digits for the frames and the
	// operation after them, e.g. "3f0c9a5de21b7764-chan-send".
	//
	// It is the same for the same code on all instances, after restarts, in the protocol buffer
	// and in debug=2, over Go versions, line moves, inlining, and the numbers that the compiler
	// gives to closures and wrappers. It differs if the operation, the user's frames, the
	// called function of the standard library, or the goroutine's first function differ. The
	// frame of the go statement does not count, because the protocol buffer does not have it:
	// two goroutines with the same function started in two places are the same. Of deep stacks,
	// the maxFrames frames nearest to the leaf count.
	//
	// A debug=1 profile hides channel operations and select. Its signatures end in "-any"
	// there, and Diff matches them only by their frames.
	Signature string
	// Op is what the goroutines wait for, in the words of a dump ("chan send", "select",
	// "sync.Mutex.Lock", "IO wait"), and Running if they do not wait.
	Op string
	// Frames are leaf first, without the runtime's own at both ends, with names
	// as people write them (collector.ReadableFunc). Stacks share them: nobody may
	// change one.
	Frames []*collector.Frame
	// Key is the first frame of the user's code, else of a library, else the goroutine's first
	// function.
	Key collector.Frame
	// UserCode means that Key is neither of the standard library nor of a well-known library.
	UserCode bool

	// hidden means that debug=1 does not show the operation, which comes from the runtime's own
	// frames or from a dump's header.
	hidden bool
}

// Stack is the goroutines of one profile that share a signature. If their closures or lines
// differ, its shape is that of most of them.
type Stack struct {
	*Shape
	// State is the wait reason as a dump has it, which may say more ("chan send (nil chan)").
	// It is empty in other formats, and if the goroutines differ.
	State string
	// CreatedBy is the frame of the go statement, only from dumps.
	CreatedBy collector.Frame
	// Count is the number of goroutines.
	Count int64
	// Leaked is how many of them the garbage collector found unreachable.
	Leaked int64
	// Wait is the longest time that one of them has waited, only from dumps and in whole
	// minutes. Zero: unknown or under a minute.
	Wait time.Duration
	// Goroutines are the goroutines one by one, only from dumps, in the order read.
	Goroutines []collector.Goroutine
	// Creators are the ids of some of the goroutines that started them, only from dumps.
	Creators []uint64
	// Labels are the pprof labels that all of them share. They are only for display, because
	// they may be sensitive.
	Labels map[string]string
	// ByLabel counts its goroutines by pprof label, if the Builder counts them. It has the
	// first few values of the first few keys. A projection onto coarser signatures keeps that
	// of its largest part.
	ByLabel map[Label]int64

	// variants are the stacks that the signature combines, exactly as profiled; nil while there
	// is only one.
	variants []variant
}

// variant is one exact stack of these.
type variant struct {
	shape *Shape
	count int64
}

// signature writes the hash of frames and an operation as text.
func signature(frames uint64, op string) string {
	const hex = "0123456789abcdef"
	b := make([]byte, 0, 48)
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, hex[frames>>shift&0xf])
	}
	return string(withOp(b, op))
}

// coarsely returns the signature in a debug=1 profile.
func (s *Shape) coarsely() string {
	if !s.hidden {
		return s.Signature
	}
	return string(withOp([]byte(s.Signature[:16]), Unknown))
}

func withOp(b []byte, op string) []byte {
	if op == Unknown {
		op = "any"
	}
	b = append(b, '-')
	for _, c := range []byte(op) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '(' || c == ')':
			continue
		default:
			c = '-'
		}
		b = append(b, c)
	}
	return b
}

// Snapshot is the stacks of one profile.
type Snapshot struct {
	// Time is when the profile was taken.
	Time time.Time
	// Total is the number of goroutines, the sum of the stacks' counts.
	Total int64
	// Incomplete means that the dump was cut. Its counts are meaningless.
	Incomplete bool
	// ReadAs is that of the profile.
	ReadAs string
	// Warnings are those of the profile.
	Warnings []string
	// Stacks are by signature.
	Stacks map[string]*Stack

	precise bool // every operation is known; false: perhaps not
}

// Of groups the goroutines of a profile by signature. The snapshot shares the frames of the
// profile, which must not change.
func Of(p *collector.Profile) *Snapshot {
	b := NewBuilder()
	b.single = true
	for i := range p.Records {
		_ = b.Add(p.Format, &p.Records[i])
	}
	return b.Snapshot(p)
}

// add counts another record of the same signature.
func (s *Stack) add(rec *collector.Record, shape *Shape) {
	if s.variants == nil {
		s.variants = []variant{{s.Shape, s.Count}}
	}
	known := false
	for i := range s.variants {
		if v := &s.variants[i]; v.shape.same(shape) {
			v.count = addCount(v.count, rec.Count)
			known = true
			break
		}
	}
	if !known {
		s.variants = append(s.variants, variant{shape, rec.Count})
	}
	if s.State != rec.State {
		s.State = ""
	}
	s.Count = addCount(s.Count, rec.Count)
	if rec.Leaked {
		s.Leaked = addCount(s.Leaked, rec.Count)
	}
	s.Wait = max(s.Wait, rec.Wait)
	if len(rec.Goroutines) > 0 {
		s.Goroutines = append(s.Goroutines[:len(s.Goroutines):len(s.Goroutines)], rec.Goroutines...)
	}
	if s.CreatedBy.Func == "" {
		s.CreatedBy = readable(rec.CreatedBy)
	}
	for _, id := range rec.Creators {
		if len(s.Creators) < maxCreators && !slices.Contains(s.Creators, id) {
			s.Creators = append(s.Creators[:len(s.Creators):len(s.Creators)], id)
		}
	}
	s.Labels = common(s.Labels, rec.Labels)
}

// maxCreators is how many creators of a stack's goroutines are kept.
const maxCreators = 8

// settle chooses the shape of most goroutines.
func (s *Stack) settle() {
	if len(s.variants) < 2 {
		s.variants = nil
		return
	}
	best := s.variants[0]
	for _, v := range s.variants[1:] {
		if v.count > best.count {
			best = v
		}
	}
	s.Shape = best.shape
}

// same reports whether two shapes with one signature have the same frames.
func (s *Shape) same(o *Shape) bool {
	if s == o {
		return true
	}
	if len(s.Frames) != len(o.Frames) {
		return false
	}
	for i, f := range s.Frames {
		if g := o.Frames[i]; f != g && (f.Line != g.Line || f.Func != g.Func) {
			return false
		}
	}
	return true
}

// Calls returns a copy of the frames.
func (s *Shape) Calls() []collector.Frame {
	out := make([]collector.Frame, len(s.Frames))
	for i, f := range s.Frames {
		out[i] = *f
	}
	return out
}

// common returns the labels that a and b share; a stays unchanged.
func common(a, b map[string]string) map[string]string {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	out := make(map[string]string, len(a))
	for k, v := range a {
		if w, ok := b[k]; ok && w == v {
			out[k] = v
		}
	}
	return out
}

// addCount stops at the largest number instead of overflowing.
func addCount(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
