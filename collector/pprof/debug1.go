package pprof

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/gorowatch/gorowatch/collector"
)

// readDebug1 reads the text that debug=1 gives:
//
//	goroutine profile: total 3
//	2 @ 0x47a0ce 0x40a0f3 0x40a0b2 0x48c1d5 0x48e961
//	# labels: {"route":"/cart"}
//	#	0x48c1d4	main.wait+0x34	/src/main.go:12
//
// The runtime leaves out its own frames at the leaf, and with them what the
// goroutines wait for, unless the standard library names it.
func readDebug1(br *bufio.Reader, lim Limits, p *collector.Profile, out emit) error {
	in := lines{br: br}
	names := newInterner()
	names.memory = lim.memory
	p.Kind, p.Format = collector.KindGoroutine, collector.FormatDebug1
	var total int64
	for seen := false; !seen; {
		line, err := in.next()
		if err != nil {
			return err
		}
		line = bytes.TrimSpace(bytes.TrimPrefix(line, utf8BOM))
		rest, ok := bytes.CutPrefix(line, leadGoroutine)
		if !ok {
			if rest, ok = bytes.CutPrefix(line, leadGoroutineLeak); ok {
				p.Kind = collector.KindGoroutineLeak
			}
		}
		if ok {
			n, err := strconv.ParseInt(string(rest), 10, 64)
			if err != nil || n < 0 {
				return collector.Errorf(collector.ReasonBadData, "line %d: total %q is no number of goroutines", in.n, beginning(rest))
			}
			total, seen = n, true
		}
	}
	var rec *collector.Record
	var frames []*collector.Frame
	stacks := 0
	flush := func() error {
		if rec == nil {
			return nil
		}
		frames = rec.Frames[:0]
		err := out(rec)
		rec = nil
		return err
	}
	for {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch {
		case len(line) == 0:
			if err := flush(); err != nil {
				return err
			}
		case line[0] == '#':
			if rec == nil {
				return collector.Errorf(collector.ReasonBadData, "line %d: a frame without a count: %q", in.n, beginning(line))
			}
			if labels, ok := bytes.CutPrefix(line, []byte("# labels: ")); ok {
				rec.Labels = parseLabels(labels)
				_ = lim.memory.charge(2 * len(labels))
				continue
			}
			if len(rec.Frames) < lim.Depth {
				rec.Frames = append(rec.Frames, names.frame(debug1Frame(line, names)))
			}
		default:
			n, _, ok := bytes.Cut(line, []byte(" @"))
			count, err := strconv.ParseInt(string(n), 10, 64)
			if !ok || err != nil {
				return collector.Errorf(collector.ReasonBadData, "line %d: want \"COUNT @ ADDRESSES\", have %q", in.n, beginning(line))
			}
			if count < 0 {
				return collector.Errorf(collector.ReasonBadData, "line %d: a count of %d", in.n, count)
			}
			if err := flush(); err != nil {
				return err
			}
			if stacks++; stacks > lim.Stacks {
				return collector.Errorf(collector.ReasonTooLarge, "line %d: more than %d stacks", in.n, lim.Stacks)
			}
			rec = &collector.Record{Count: count, Frames: frames}
		}
	}
	cut := rec != nil && in.last != '\n'
	if err := flush(); err != nil {
		return err
	}
	if cut {
		return collector.Errorf(collector.ReasonTruncated, "line %d: it ends within a line", in.n)
	}
	if p.Total < total {
		return collector.Errorf(collector.ReasonTruncated, "line %d: it ends after %d of %d goroutines", in.n, p.Total, total)
	}
	if p.Total > total {
		return collector.Errorf(collector.ReasonBadData, "line %d: %d goroutines, but the first line says %d", in.n, p.Total, total)
	}
	return nil
}

// debug1Frame reads "#\t0xPC\tNAME+0xOFF\t\tFILE:LINE". Where the runtime
// knows no name, there is only the address, and the frame is empty.
func debug1Frame(line []byte, names interner) collector.Frame {
	var f collector.Frame
	field := 0
	for part := range bytes.SplitSeq(line, []byte("\t")) {
		if len(part) == 0 {
			continue // the columns are padded with tabs
		}
		switch field {
		case 2:
			if i := bytes.LastIndex(part, []byte("+0x")); i >= 0 {
				part = part[:i]
			}
			f.Func = names.str(part)
		case 3:
			f.File, f.Line = fileLine(part, names)
		}
		field++
	}
	return f
}

// fileLine splits "FILE:LINE"; the file may hold colons.
func fileLine(b []byte, names interner) (string, int) {
	i := bytes.LastIndexByte(b, ':')
	if i < 0 {
		return names.str(b), 0
	}
	n := 0
	for _, c := range b[i+1:] {
		if c < '0' || c > '9' || n > 1<<30 {
			return names.str(b), 0
		}
		n = n*10 + int(c-'0')
	}
	return names.str(b[:i]), n
}
