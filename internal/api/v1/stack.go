package v1

import (
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/known"
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
	// Wait is the longest time that one of them has been blocked, as Go prints durations; only
	// differences of two files have it. Elsewhere it is WaitSeconds.
	Wait  string `json:"wait,omitempty"`
	Base  int64  `json:"base"`
	Head  int64  `json:"head"`
	Delta int64  `json:"delta"`
	// Share is its part of the growth between the two profiles, 0 to 1.
	Share       Number  `json:"share"`
	WaitSeconds float64 `json:"wait_seconds,omitempty"`
	// Unreachable is how many goroutines of the head the garbage collector cannot reach; in a
	// check, how many of the new ones. Only differences of profiles have it.
	Unreachable int64 `json:"unreachable,omitempty"`
	// Module is that of the first frame of a dependency whose path has its version.
	Module *Module `json:"module,omitempty"`
	// Callers are calls of the user's code that may have started goroutines of a library.
	Callers []Caller `json:"callers,omitempty"`
	// Holder is the stack that probably holds what the goroutines wait for.
	Holder *Holder  `json:"holder,omitempty"`
	Parted *Parting `json:"parted,omitempty"`
	// LeadingLabels are the pprof labels that most of its goroutines have; values are
	// hashed unless the configuration allows the key.
	LeadingLabels []LabelShare `json:"leading_labels,omitempty"`
	Hint          *Hint        `json:"hint,omitempty"`
	// Known is a leak of a library that was reported in public, if this stack grew and looks
	// like one. Only differences of profiles have it: a leak has its own.
	Known *Known `json:"known,omitempty"`
	// Labels are the pprof labels that all of its goroutines share. Only
	// differences of profiles have them: they may be sensitive.
	Labels map[string]string `json:"labels,omitempty"`
}

// Origin is where to look first, and where the goroutines were started. Stacks of a scan have
// none.
type Origin struct {
	Key       string `json:"key"`
	CreatedBy string `json:"created_by,omitempty"`
}

// Module is the module of a library.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
}

// Caller is a call of a library.
type Caller struct {
	Frame  string    `json:"frame"`
	From   string    `json:"from,omitempty"`   // the user's code that called it
	Called string    `json:"called,omitempty"` // the function of the library
	Link   leak.Link `json:"link"`
	// SeenIn is the kind of profile that shows it.
	SeenIn collector.ProfileKind `json:"seen_in"`
}

// LabelShare is a value of a pprof label and its part of the growth of a stack, 0 to 1.
type LabelShare struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Share Number `json:"share"`
}

// Holder is a stack that probably holds what others wait for.
type Holder struct {
	Signature string     `json:"signature"`
	Key       string     `json:"key"`
	Frames    []string   `json:"frames"`
	State     string     `json:"state"`
	Count     int64      `json:"count"`
	Since     *time.Time `json:"since,omitempty"`
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
	if h, ok := stack.HintFor(s.Program, s.Op, s.Reason, s.Frames); ok {
		x.Hint = &Hint{Kind: h.Kind, Sentence: h.Sentence}
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
		if m, ok := stack.ModuleOf(f.File); ok && x.Module == nil {
			x.Module = &Module{m.Path, m.Version}
		}
	}
	for _, c := range s.Callers {
		x.Callers = append(x.Callers, Caller{frame(c.Frame), frame(c.From), c.Calls, c.Link, c.Seen})
	}
	for _, l := range s.Labels {
		x.LeadingLabels = append(x.LeadingLabels, LabelShare{Key: l.Key, Value: l.Value, Share: Number(l.Share)})
	}
	if h := s.Holder; h != nil {
		x.Holder = &Holder{Signature: h.Signature, Key: frame(h.Key), State: h.Op, Count: h.Count}
		if !h.Since.IsZero() {
			x.Holder.Since = &h.Since
		}
		for _, f := range h.Frames {
			x.Holder.Frames = append(x.Holder.Frames, frame(f))
		}
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
	if d.Growth() > 0 {
		x.Known = newKnown(known.BuiltIn().MatchStack(d.Stack))
	}
	return x
}

// NewGrown converts the growth of a stack between two profiles of the archive.
func NewGrown(s leak.StackGrowth) Stack {
	x := NewStack(s)
	if s.Delta() > 0 {
		x.Known = newKnown(known.BuiltIn().MatchFrames(s.Frames))
	}
	return x
}

// frame writes "main.logHandler.func1 handler.go:29".
func frame(f collector.Frame) string {
	return strings.TrimSpace(f.Func + " " + human.Place(f.File, f.Line))
}
