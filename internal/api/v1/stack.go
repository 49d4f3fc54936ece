package v1

import (
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// Stack is a stack and how the number of its goroutines changed between two
// profiles.
type Stack struct {
	Signature string   `json:"signature"`
	Frames    []string `json:"frames"` // leaf first: function file:line
	*Origin
	State string `json:"state"` // what the goroutines wait in
	// Wait is the longest time that one of them has been blocked, as Go prints
	// durations; differences of two files have it. Elsewhere it is WaitSeconds.
	Wait  string `json:"wait,omitempty"`
	Base  int64  `json:"base"`
	Head  int64  `json:"head"`
	Delta int64  `json:"delta"`
	// Share is its part of the growth between the two profiles, 0 to 1.
	Share       Number  `json:"share"`
	WaitSeconds float64 `json:"wait_seconds,omitempty"`
	// Unreachable is how many of the goroutines of the head the garbage collector cannot
	// reach; of a check, how many of those that came. Only differences of profiles have it.
	Unreachable int64    `json:"unreachable,omitempty"`
	Parted      *Parting `json:"parted,omitempty"`
	Hint        *Hint    `json:"hint,omitempty"`
	// Labels are the pprof labels that all of its goroutines share. Only
	// differences of profiles have them: they may be sensitive.
	Labels map[string]string `json:"labels,omitempty"`
}

// Origin is where to look first, and where the goroutines were started. The
// stacks of scan have none.
type Origin struct {
	Key       string `json:"key"`
	CreatedBy string `json:"created_by,omitempty"`
}

// Parting is a stack that had as many goroutines as this one until it grew.
type Parting struct {
	Signature string    `json:"signature"`
	Key       string    `json:"key"`
	Both      int64     `json:"both"` // of each, when they were equal last
	At        time.Time `json:"at"`
	Head      int64     `json:"head"`
}

// Hint is a likely cause.
type Hint struct {
	Kind     string `json:"kind"`
	Sentence string `json:"sentence"`
}

// NewStack converts the growth of a stack of a leak.
func NewStack(s leak.StackGrowth) Stack {
	x := newStack(s)
	x.Origin = &Origin{Key: frame(s.Key), CreatedBy: frame(s.CreatedBy)}
	x.WaitSeconds = s.Wait.Seconds()
	if p := s.Partner; p != nil {
		x.Parted = &Parting{Signature: p.Signature, Key: frame(p.Key), Both: p.Both, At: p.At, Head: p.Head}
	}
	return x
}

// NewStacks converts the stacks of a leak or a capture; never nil.
func NewStacks(all []leak.StackGrowth) []Stack {
	out := make([]Stack, 0, len(all))
	for _, s := range all {
		out = append(out, NewStack(s))
	}
	return out
}

// newStack has the fields that every stack of a leak has.
func newStack(s leak.StackGrowth) Stack {
	x := Stack{
		Signature: s.Signature, Frames: make([]string, 0, len(s.Frames)), State: s.Op,
		Base: s.Base, Head: s.Head, Delta: s.Delta(), Share: Number(s.Share),
	}
	for _, f := range s.Frames {
		x.Frames = append(x.Frames, frame(f))
	}
	return x
}

// NewChange converts a row of a difference of two profiles, with all of its
// frames.
func NewChange(d stack.Delta, share float64) Stack {
	x := Stack{
		Signature: d.Signature, Frames: make([]string, 0, len(d.Frames)),
		Origin: &Origin{Key: frame(d.Key), CreatedBy: frame(d.CreatedBy)}, State: d.Op,
		Base: d.Base, Head: d.Head, Delta: d.Growth(), Share: Number(share), Unreachable: d.Leaked, Labels: d.Labels,
	}
	for _, f := range d.Frames {
		x.Frames = append(x.Frames, frame(*f))
	}
	if d.Wait > 0 {
		x.Wait = d.Wait.String()
	}
	return x
}

// frame is "main.logHandler.func1 handler.go:29".
func frame(f collector.Frame) string {
	return strings.TrimSpace(f.Func + " " + human.Place(f.File, f.Line))
}
