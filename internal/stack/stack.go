package stack

import (
	"math"
	"time"

	"github.com/gorowatch/gorowatch/collector"
)

// Shape is how goroutines stand: all of a stack that is the same in each
// profile that it is found in, which is kept once for them.
type Shape struct {
	// Signature is the identity of the stack: 16 hexadecimal digits for the
	// frames and the operation behind them, e.g. "3f0c9a5de21b7764-chan-send".
	//
	// It is the same for the same code on all instances, after restarts, in
	// the protocol buffer and in debug=2, over Go versions, line moves,
	// inlining, and the numbers that the compiler gives to closures and
	// wrappers. It is different where the operation, the user's frames, the
	// function of the standard library that they called, or the function
	// that the goroutine began with differ. The frame of the go statement is
	// no part of it, because the protocol buffer does not have it; two
	// goroutines with the same function started in two places are the same.
	// Of deep stacks the maxFrames frames nearest to the leaf count.
	//
	// A debug=1 profile hides channel operations and select. Its signatures
	// end in "-any" there, and Diff matches them by their frames alone.
	Signature string
	// Op is what the goroutines wait for, in the words of a dump ("chan
	// send", "select", "sync.Mutex.Lock", "IO wait"), and Running for those
	// that do not wait.
	Op string
	// Frames are leaf first, without the runtime's own at both ends, with names
	// as people write them (collector.ReadableFunc). Stacks share them: nobody may
	// change one.
	Frames []*collector.Frame
	// Key is the first frame of the user's code, else of a library, else the
	// function that the goroutine began with.
	Key collector.Frame
	// UserCode: Key is neither of the standard library nor of a well-known
	// library.
	UserCode bool

	// hidden: the operation is known from the runtime's own frames or from
	// a dump's header, neither of which debug=1 has.
	hidden bool
}

// Stack is the goroutines of one profile that share a signature. Where their
// closures or lines differ, its shape is that of most of them.
type Stack struct {
	*Shape
	// State is the wait reason as a dump has it, which may say more ("chan
	// send (nil chan)"). Empty in other formats, and where they differ.
	State string
	// CreatedBy is the frame of the go statement, from dumps alone.
	CreatedBy collector.Frame
	// Count is the number of goroutines.
	Count int64
	// Leaked is how many of them the garbage collector found unreachable.
	Leaked int64
	// Wait is how long the longest of them has waited, from dumps alone and
	// in whole minutes. Zero: unknown or under a minute.
	Wait time.Duration
	// IDs are the ids of the goroutines, from dumps alone, in the order read.
	IDs []uint64
	// Labels are the pprof labels that all of them share, for display alone:
	// they may be sensitive.
	Labels map[string]string

	// variants are what the signature folds together, exactly as profiled;
	// nil while there is one only.
	variants []variant
}

// variant is one way that the goroutines of a stack stand.
type variant struct {
	shape *Shape
	count int64
}

// signature is the text of a hash of frames and an operation.
func signature(frames uint64, op string) string {
	const hex = "0123456789abcdef"
	b := make([]byte, 0, 48)
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, hex[frames>>shift&0xf])
	}
	return string(withOp(b, op))
}

// coarsely is the signature that debug=1 has for it.
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
	// Incomplete: the dump was cut and counts mean nothing.
	Incomplete bool
	// ReadAs is that of the profile.
	ReadAs string
	// Warnings are those of the profile.
	Warnings []string
	// Stacks are by signature.
	Stacks map[string]*Stack

	precise bool // no operation is unknown; false: it may be
}

// Of groups the goroutines of a profile by signature. The snapshot shares
// the frames of the profile, which must not change.
func Of(p *collector.Profile) *Snapshot {
	b := NewBuilder()
	b.single = true
	for i := range p.Records {
		_ = b.Add(p.Format, &p.Records[i])
	}
	return b.Snapshot(p)
}

// add counts a further record of the same signature.
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
	if len(rec.IDs) > 0 {
		s.IDs = append(s.IDs[:len(s.IDs):len(s.IDs)], rec.IDs...)
	}
	if s.CreatedBy.Func == "" {
		s.CreatedBy = readable(rec.CreatedBy)
	}
	s.Labels = common(s.Labels, rec.Labels)
}

// settle shows the shape of most goroutines.
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

// same: the frames are, of two shapes with one signature.
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

// Calls is a copy of the frames.
func (s *Shape) Calls() []collector.Frame {
	out := make([]collector.Frame, len(s.Frames))
	for i, f := range s.Frames {
		out[i] = *f
	}
	return out
}

// common is the labels that a and b share; a stays as it is.
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

// addCount stops at the largest number rather than to turn negative.
func addCount(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
