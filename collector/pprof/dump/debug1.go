package dump

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// readDebug1 reads the text that debug=1 gives:
//
//	goroutine profile: total 3
//	2 @ 0x47a0ce 0x40a0f3 0x40a0b2 0x48c1d5 0x48e961
//	# labels: {"route":"/cart"}
//	#	0x48c1d4	main.wait+0x34	/src/main.go:12
//
// The runtime leaves out its own frames at the leaf, and with them what the goroutines wait
// for, unless the standard library names it.
//
// People paste it from terminals and web pages, so tabs may be spaces or gone, lines indented,
// and other text around it or in between. The total of the first line shows whether all of it
// was understood. Of several profiles in a row, the last one counts, so the records are passed
// on at the end.
func readDebug1(in *lines, lim bounds.Limits, memory *bounds.Account, p *collector.Profile, n *notes, out emit) error {
	d := counts{in: in, lim: lim, memory: memory, names: newInterner(), known: map[string]*collector.Frame{}}
	d.names.memory = memory
	p.Format = collector.FormatDebug1
	for {
		line, err := d.in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			line, _ = trimLine(line)
			err = d.line(line)
		}
		if err != nil {
			return err
		}
	}
	p.Kind = d.kind
	if d.profiles > 1 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("it holds %d profiles, one behind the other; only the last one is used", d.profiles))
	}
	if d.dump {
		p.Warnings = append(p.Warnings, "it holds a debug=2 dump as well, which is not used")
	}
	n.ignored += d.ignored
	if d.unmarked > 0 {
		n.assumed = append(n.assumed, `"#" before frames is gone`)
	}
	for i := range d.records {
		if err := out(&d.records[i]); err != nil {
			return err
		}
	}
	switch last := d.in.n; {
	case d.incomplete && d.in.last != '\n':
		return collector.Errorf(collector.ReasonTruncated, "line %d: it ends within a line", last)
	case p.Total < d.total && d.strange != nil:
		return d.strange
	case p.Total < d.total:
		return collector.Errorf(collector.ReasonTruncated, "line %d: it ends after %d of %d goroutines", last, p.Total, d.total)
	case p.Total > d.total:
		return collector.Errorf(collector.ReasonBadData, "line %d: %d goroutines, but the first line says %d", last, p.Total, d.total)
	case p.Total > 0 && !d.named && d.frame == "":
		return collector.Errorf(collector.ReasonBadData, "it has addresses without the names of functions; take it with debug=1 or debug=2, or without debug")
	case p.Total > 0 && !d.named:
		return collector.Errorf(collector.ReasonBadData, "line %d: no frame has the name of a function: want \"#\\t0xADDRESS\\tFUNCTION+0xOFFSET\\tFILE:LINE\", have %q", d.frameAt, d.frame)
	}
	return nil
}

// counts is the state of reading a debug=1 profile.
type counts struct {
	in     *lines
	lim    bounds.Limits
	memory *bounds.Account
	names  interner

	kind     collector.ProfileKind
	profiles int   // first lines seen
	total    int64 // from the first line
	sum      int64 // goroutines of the records, at most math.MaxInt64
	records  []collector.Record
	slab     []*collector.Frame
	known    map[string]*collector.Frame // by line
	// addresses are those of the last record, with a blank before and after each.
	addresses []byte
	named     bool   // a frame has a function's name
	frame     string // the first frame's line, for a message
	frameAt   int
	dump      bool  // a debug=2 dump follows
	ignored   int   // lines that were not understood
	unmarked  int   // frames without a "#"
	strange   error // error for the first line that was not understood
	// incomplete means that the end of the last line is missing.
	incomplete bool
}

func (d *counts) line(line []byte) error {
	if isTotal(line) {
		return d.first(line)
	}
	if d.profiles == 0 || len(line) == 0 {
		return nil
	}
	d.incomplete = false
	if line[0] == 'g' && isHeader(line) {
		d.dump = true
	}
	if line[0] == '#' {
		return d.frameLine(line)
	}
	if isUnmarked(line) && len(d.records) > 0 {
		d.unmarked++
		return d.frameLine(append([]byte("#\t"), line...))
	}
	n, _, ok := bytes.Cut(line, []byte(" @"))
	count, err := strconv.ParseInt(string(n), 10, 64)
	if !ok || err != nil {
		d.ignored++
		if d.strange == nil {
			d.strange = collector.Errorf(collector.ReasonBadData, "line %d: want \"COUNT @ ADDRESSES\", have %q", d.in.n, FirstLine(line))
		}
		return nil
	}
	if count < 0 {
		return collector.Errorf(collector.ReasonBadData, "line %d: a count of %d", d.in.n, count)
	}
	if len(d.records) >= d.lim.Stacks {
		return collector.Errorf(collector.ReasonTooLarge, "line %d: more than %d stacks", d.in.n, d.lim.Stacks)
	}
	if d.sum > math.MaxInt64-count {
		return collector.Errorf(collector.ReasonBadData, "line %d: the number of goroutines overflows", d.in.n)
	}
	d.sum += count
	d.slab = d.slab[len(d.slab):]
	_ = d.memory.Charge(recordSize)
	d.addresses = append(append(d.addresses[:0], line[len(n)+2:]...), ' ')
	d.records = append(d.records, collector.Record{Count: count, Frames: d.slab})
	return nil
}

// first reads the first line of a profile and discards what came before it.
func (d *counts) first(line []byte) error {
	rest, ok := bytes.CutPrefix(line, leadGoroutine)
	kind := collector.KindGoroutine
	if !ok {
		rest, kind = bytes.TrimPrefix(line, leadGoroutineLeak), collector.KindGoroutineLeak
	}
	n, err := strconv.ParseInt(string(rest), 10, 64)
	if err != nil || n < 0 {
		return collector.Errorf(collector.ReasonBadData, "line %d: total %q is no number of goroutines", d.in.n, FirstLine(rest))
	}
	*d = counts{in: d.in, lim: d.lim, memory: d.memory, names: d.names, known: d.known, addresses: d.addresses, kind: kind, profiles: d.profiles + 1, total: n}
	return nil
}

func (d *counts) frameLine(line []byte) error {
	if len(d.records) == 0 {
		return collector.Errorf(collector.ReasonBadData, "line %d: a frame without a count: %q", d.in.n, FirstLine(line))
	}
	rec := &d.records[len(d.records)-1]
	if labels, ok := bytes.CutPrefix(trimLeft(line[1:]), []byte("labels: ")); ok {
		rec.Labels = parseLabels(labels)
		_ = d.memory.Charge(2 * len(labels))
		d.incomplete = line[len(line)-1] != '}'
		return nil
	}
	if d.frameAt == 0 {
		d.frame, d.frameAt = string(FirstLine(line)), d.in.n
	}
	f := d.known[string(line)]
	if f == nil {
		var whole bool
		if f, whole = d.newFrame(line); !whole {
			d.incomplete = true
		}
	}
	d.named = d.named || f.Func != ""
	if len(rec.Frames) < d.lim.Depth {
		d.push(rec, f)
	}
	return nil
}

// newFrame reads the line of a frame. Whole lines whose address ends clearly are remembered:
// the stacks of a program share most of their frames, and print each in the same way.
func (d *counts) newFrame(line []byte) (frame *collector.Frame, whole bool) {
	f, whole := debug1Frame(line, d.addresses, d.names)
	frame = d.names.frame(f)
	if bytes.HasPrefix(line, []byte("#\t0x")) && whole && f.Func != "" {
		if end := 5 + countHex(line[5:]); end < len(line) && line[end] == '\t' {
			d.known[string(line)] = frame
			_ = d.memory.Charge(len(line) + internedStringSize)
		}
	}
	return frame, whole
}

// push adds a frame to the last record, whose frames are at the end of the slab.
func (d *counts) push(rec *collector.Record, f *collector.Frame) {
	if len(d.slab) == cap(d.slab) {
		d.slab = append(make([]*collector.Frame, 0, slabFrames+2*len(d.slab)), d.slab...)
		_ = d.memory.Charge(8 * cap(d.slab))
	}
	d.slab = append(d.slab, f)
	rec.Frames = d.slab[:len(d.slab):len(d.slab)]
}

// slabFrames is how many frames are allocated together.
const slabFrames = 1024
