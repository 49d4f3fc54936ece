package diff

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/gorowatch/gorowatch/internal/stack"
)

// Report is the change from one profile to another.
type Report struct {
	Base, Head Side
	// Growth is the number of additional goroutines, negative if there are fewer.
	Growth int64
	Stacks []Stack // most grown first
	// Locksteps are stacks that grow in lockstep, most grown first.
	Locksteps []Lockstep
	// Labels has the counts by label, if stacks are separated by one.
	Labels *LabelCounts
	// Program is the program of the profiles if somebody else has released it; empty: it is the
	// user's own, or not known. It decides whom the hints address.
	Program string
}

// Side is one of the two profiles.
type Side struct {
	Time       time.Time
	Goroutines int64
	// ReadAs says what was stripped, assumed or ignored in a pasted dump.
	ReadAs string
	// Warnings are warnings about the profile.
	Warnings []string
}

// Stack is the change of one stack.
type Stack struct {
	stack.Delta
	// Share is its part of all growth, 0 to 1; 0 for a stack that did not grow.
	Share float64
}

// New compares two snapshots.
func New(base, head *stack.Snapshot) *Report {
	r := Of(base, head, stack.Diff(base, head))
	r.Locksteps = findLockstep(r.Stacks)
	return r
}

// Of makes a report of some of the changes between two snapshots.
func Of(base, head *stack.Snapshot, deltas []stack.Delta) *Report {
	r := &Report{
		Base:   side(base),
		Head:   side(head),
		Growth: head.Total - base.Total,
		Stacks: make([]Stack, len(deltas)),

		Program: stack.ProgramOf(head, base),
	}
	var grown float64
	for _, d := range deltas {
		grown += float64(max(d.Growth(), 0))
	}
	for i, d := range deltas {
		r.Stacks[i] = Stack{Delta: d}
		if d.Growth() > 0 {
			r.Stacks[i].Share = float64(d.Growth()) / grown
		}
	}
	return r
}

func side(s *stack.Snapshot) Side { return Side{s.Time, s.Total, s.ReadAs, s.Warnings} }

// Write writes the report in a format. limit bounds the number of stacks, those that grew most;
// 0 shows all.
func (r *Report) Write(w io.Writer, format string, limit int) error {
	// The report of a large service has megabytes, so it is streamed.
	b := bufio.NewWriter(w)
	var err error
	switch format {
	case "", FormatTable:
		r.table(b, limit)
	case FormatMarkdown:
		r.markdown(b, limit)
	case FormatJSON:
		err = r.json(b, limit)
	default:
		err = fmt.Errorf("no format %q: want %s, %s or %s", format, FormatTable, FormatJSON, FormatMarkdown)
	}
	if err == nil {
		err = b.Flush()
	}
	return err
}

func (r *Report) top(limit int) (top []Stack, rest int) {
	if limit <= 0 || limit >= len(r.Stacks) {
		return r.Stacks, 0
	}
	return r.Stacks[:limit], len(r.Stacks) - limit
}
