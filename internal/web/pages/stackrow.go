package pages

import (
	"cmp"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// stackRow is a stack that grows, or that has changed between two profiles.
type stackRow struct {
	Signature         string
	Op, Wait          string
	Base, Head, Delta string
	Share             string
	Percent           float64
	Func, Place       string
	Source            string
	Frames            []frames
	Depth             int
	Created           *frameRow
	Parted            *partnerRow
	// Labels are the pprof labels of the change; LabelsOf says in words what kind of change it is.
	Labels   []labelShare
	LabelsOf string
}

// labelShare is a pprof label, and the share of a change that has it.
type labelShare struct{ Name, Value, Share string }

// partnerRow is the stack that had as many goroutines as the growing one until the growth began. Both is
// how many each had then, at At, and Head how many the partner has now.
type partnerRow struct {
	frameRow
	Both, Head string
	At         stamp
}

// frames are consecutive frames, either all of the standard library or none.
type frames struct {
	Standard bool
	Frames   []frameRow
	More     int // further frames of the stack that are not shown
}

// frameRow is one frame.
type frameRow struct {
	Func, Place, File, Source string
	Key                       bool
}

// maxFrames bounds the frames that are shown of a stack.
const maxFrames = 100

// newStackRow makes the row of a stack. source returns the link to the source of a frame.
func newStackRow(s leak.StackGrowth, source func(collector.Frame) string) stackRow {
	r := stackRow{
		Signature: human.Line(s.Signature, maxName),
		Op:        human.Line(s.Op, maxName),
		Base:      human.Count(s.Base),
		Head:      human.Count(s.Head),
		Delta:     human.Change(s.Delta()),
		Share:     human.Percent(s.Share),
		Percent:   min(max(s.Share*100, 0), 100),
		Func:      cmp.Or(human.Func(s.Key.Func, maxFunc), "(no frames)"),
		Place:     human.Line(human.Place(s.Key.File, s.Key.Line), maxName),
		Source:    source(s.Key),
		Depth:     len(s.Frames),
	}
	if s.Wait > 0 {
		r.Wait = human.Duration(s.Wait)
	}
	r.addLabels(s.Labels)
	marked := false
	for i, f := range s.Frames[:min(len(s.Frames), maxFrames)] {
		row := newFrameRow(f, source)
		row.Key = !marked && f == s.Key
		marked = marked || row.Key
		standard := !row.Key && stack.Standard(f)
		if n := len(r.Frames); i == 0 || r.Frames[n-1].Standard != standard {
			r.Frames = append(r.Frames, frames{Standard: standard})
		}
		last := &r.Frames[len(r.Frames)-1]
		last.Frames = append(last.Frames, row)
	}
	if more := len(s.Frames) - maxFrames; more > 0 {
		r.Frames = append(r.Frames, frames{More: more})
	}
	if s.CreatedBy.Func != "" && s.CreatedBy.File != "" {
		c := newFrameRow(s.CreatedBy, source)
		r.Created = &c
	}
	return r
}

// addLabels adds the pprof labels of the change.
func (r *stackRow) addLabels(shares []leak.LabelShare) {
	r.LabelsOf = "the growth"
	if strings.HasPrefix(r.Delta, "-") {
		r.LabelsOf = "what went"
	}
	for _, x := range shares {
		r.Labels = append(r.Labels, labelShare{human.Line(x.Key, maxName), human.Line(x.Value, maxName), human.Percent(x.Share)})
	}
}

// newFrameRow makes the row of a frame.
func newFrameRow(f collector.Frame, source func(collector.Frame) string) frameRow {
	return frameRow{
		Func:   human.Func(f.Func, maxFunc),
		Place:  human.Line(human.Place(f.File, f.Line), maxName),
		File:   human.Line(f.File, maxWords),
		Source: source(f),
	}
}

// waitPhrase says what goroutines do whose operation is op, as the end of a sentence.
func waitPhrase(op string) string {
	words, ok := map[string]string{
		"chan send":           "sending on a channel",
		"chan receive":        "receiving from a channel",
		"select":              "in a select",
		"select (no cases)":   "in a select without cases",
		"IO wait":             "waiting for the network",
		"sleep":               "sleeping",
		"sync.Mutex.Lock":     "waiting for a lock",
		"sync.RWMutex.Lock":   "waiting for a write lock",
		"sync.RWMutex.RLock":  "waiting for a read lock",
		"sync.WaitGroup.Wait": "waiting for a WaitGroup",
		"sync.Cond.Wait":      "waiting for a condition",
		"syscall":             "in a system call",
		stack.Running:         "running",
		stack.Unknown:         "",
	}[op]
	if ok || op == "" {
		return words
	}
	return "in " + human.Line(op, maxName)
}
