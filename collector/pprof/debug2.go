package pprof

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
)

// dumpLimit is where net/http/pprof and runtime/pprof cut a dump of all
// stacks, without a word.
const dumpLimit = 64 << 20

var (
	headerLead    = []byte("goroutine ")
	createdByLead = []byte("created by ")
	inGoroutine   = []byte(" in goroutine ")
	ancestorLead  = []byte("[originating from goroutine ")
	labelsLead    = []byte(" labels:{")
	afterLead     = []byte("] {")
)

// readDebug2 reads a dump of all stacks as debug=2, a panic or SIGQUIT
// prints it:
//
//	goroutine 18 [chan send (leaked), 12 minutes] {n: 7, route: "a b"}:
//	main.logHandler.func1(0xc000112000)
//		/src/handler.go:29 +0x1d
//	created by main.logHandler in goroutine 17
//		/src/handler.go:18 +0x5e
//
// Go 1.27 has the labels there; before it was released, and in others' dumps, they
// are the last within the brackets, as labels:{…}.
//
// It is read in a stream: goroutines at the same place become one record as
// they come, so that memory follows the number of distinct stacks (and eight
// bytes for each id). Lines that do not belong to a stack, such as a panic's
// message or a log line in between, are skipped.
func readDebug2(br *bufio.Reader, lim Limits, p *collector.Profile, out emit) error {
	p.Kind, p.Format = collector.KindGoroutine, collector.FormatDebug2
	d := dump{in: lines{br: br}, lim: lim, names: newInterner(), index: map[string]int{}}
	d.names.memory = lim.memory
	for {
		line, err := d.in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			before := cap(d.key)
			err = d.line(line)
			_ = lim.memory.charge(cap(d.key) - before)
		}
		if err != nil {
			return err
		}
	}
	p.Incomplete = d.in.size == dumpLimit
	if !p.Incomplete && d.open && (d.pending > 0 || d.frames == 0) {
		return collector.Errorf(collector.ReasonTruncated, "line %d: it ends within goroutine %d", d.in.n, d.id)
	}
	if err := d.close(); err != nil {
		return err
	}
	if len(d.records) == 0 {
		return collector.Errorf(collector.ReasonNotProfile, "line %d: a dump without a goroutine", d.in.n)
	}
	for i := range d.records {
		if err := out(&d.records[i]); err != nil {
			return err
		}
	}
	return nil
}

// dump is the state of reading one.
type dump struct {
	in      lines
	lim     Limits
	names   interner
	index   map[string]int // key → record
	records []collector.Record

	// The goroutine being read.
	open    bool
	id      uint64
	wait    time.Duration
	labels  []byte // as printed
	frames  int
	pending int  // length of a function's name at the end of key, until its file line comes
	skip    bool // past an "originating from" line
	// key is what makes goroutines equal: the state, and then for each frame
	// its function and its file and line, all ended by newlines. A created-by
	// frame has createdMark before its function.
	key []byte
}

// Sizes of what is kept of a goroutine and of a record, by estimate: slices that
// grow have room to spare.
const (
	idSize     = 12
	recordSize = 250
)

const (
	leakedMark  = '!' // ends the state of a leaked goroutine
	createdMark = '+'
)

func (d *dump) line(line []byte) error {
	if len(line) == 0 {
		return d.close()
	}
	if line[0] == '\t' {
		d.fileLine(line[1:])
		return nil
	}
	if line[0] == 'g' && isHeader(line) {
		if err := d.close(); err != nil {
			return err
		}
		return d.header(line)
	}
	if !d.open || d.skip {
		return nil
	}
	d.dropPending()
	start := len(d.key)
	switch {
	case line[len(line)-1] == ')':
		i := bytes.LastIndexByte(line, '(')
		if i <= 0 {
			return nil
		}
		d.key = append(append(d.key, line[:i]...), '\n')
	case bytes.HasPrefix(line, createdByLead):
		name := line[len(createdByLead):]
		if i := bytes.Index(name, inGoroutine); i >= 0 {
			name = name[:i]
		}
		d.key = append(append(append(d.key, createdMark), name...), '\n')
	case bytes.HasPrefix(line, ancestorLead):
		d.skip = true
		return nil
	default:
		return nil
	}
	d.pending = len(d.key) - start
	return nil
}

// fileLine ends a frame: "/src/handler.go:29 +0x1d", in a crash with more
// behind.
func (d *dump) fileLine(b []byte) {
	if d.pending == 0 {
		return
	}
	end := len(b)
	if i := bytes.LastIndexByte(b, ' '); i >= 0 && i+1 < len(b) && (b[i+1] == '+' || b[i+1] == 'p') {
		end = i
		if b[i+1] == 'p' { // " +0x1d fp=0x… sp=0x… pc=0x…"
			if i = bytes.Index(b, []byte(" +0x")); i < 0 {
				i = bytes.Index(b, []byte(" fp=0x"))
			}
			if i >= 0 {
				end = i
			}
		}
	}
	b = b[:end]
	if n := len(b); n < 3 || b[n-1] < '0' || b[n-1] > '9' {
		return
	}
	d.frames++
	if d.frames > d.lim.Depth && d.key[len(d.key)-d.pending] != createdMark {
		d.dropPending()
		return
	}
	d.pending = 0
	d.key = append(append(d.key, b...), '\n')
}

func (d *dump) dropPending() {
	d.key = d.key[:len(d.key)-d.pending]
	d.pending = 0
}

func (d *dump) header(line []byte) error {
	rest := line[len(headerLead):]
	i := 0
	var id uint64
	for ; i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i++ {
		digit := uint64(rest[i] - '0')
		if id > (math.MaxUint64-digit)/10 {
			return collector.Errorf(collector.ReasonBadData, "line %d: the id of a goroutine overflows", d.in.n)
		}
		id = id*10 + digit
	}
	rest = rest[bytes.IndexByte(rest, '[')+1:]
	d.open, d.id, d.wait, d.labels, d.frames, d.pending, d.skip = true, id, 0, d.labels[:0], 0, 0, false

	state, rest := headerPart(rest)
	leaked := false
	for {
		if s, ok := bytes.CutSuffix(state, []byte(" (leaked)")); ok {
			state, leaked = s, true
		} else if s, ok := bytes.CutSuffix(state, []byte(" (scan)")); ok {
			state = s
		} else {
			break
		}
	}
	d.key = append(d.key[:0], state...)
	if leaked {
		d.key = append(d.key, leakedMark)
	}
	d.key = append(d.key, '\n')
	for len(rest) > 0 && rest[0] == ',' {
		var part []byte
		part, rest = headerPart(bytes.TrimPrefix(rest[1:], []byte(" ")))
		if n, ok := bytes.CutSuffix(part, []byte(" minutes")); ok {
			minutes, err := strconv.ParseInt(string(n), 10, 64)
			if err != nil || minutes < 0 || minutes > math.MaxInt64/int64(time.Minute) {
				return collector.Errorf(collector.ReasonBadData, "line %d: %q is no waiting time", d.in.n, beginning(part))
			}
			d.wait = time.Duration(minutes) * time.Minute
		}
	}
	for _, lead := range [][]byte{afterLead, labelsLead} {
		if l, ok := bytes.CutPrefix(rest, lead); ok {
			d.labels = append(append(d.labels, '{'), l...)
		}
	}
	return nil
}

// headerPart cuts what is before the next comma, bracket or labels.
func headerPart(b []byte) (part, rest []byte) {
	for i, c := range b {
		if c == ',' || c == ']' || c == ' ' && bytes.HasPrefix(b[i:], labelsLead) {
			return b[:i], b[i:]
		}
	}
	return b, nil
}

// close counts the goroutine being read.
func (d *dump) close() error {
	if !d.open {
		return nil
	}
	d.dropPending()
	d.open = false
	_ = d.lim.memory.charge(idSize)
	if i, ok := d.index[string(d.key)]; ok {
		rec := &d.records[i]
		rec.Count++
		rec.IDs = append(rec.IDs, d.id)
		rec.Wait = max(rec.Wait, d.wait)
		if rec.Labels != nil {
			keepCommon(rec.Labels, parseLabels(d.labels))
		}
	} else {
		if len(d.records) >= d.lim.Stacks {
			return collector.Errorf(collector.ReasonTooLarge, "line %d: more than %d stacks", d.in.n, d.lim.Stacks)
		}
		_ = d.lim.memory.charge(len(d.key) + 2*len(d.labels) + recordSize)
		d.index[string(d.key)] = len(d.records)
		d.records = append(d.records, d.record())
	}
	return nil
}

// record makes a record from the key.
func (d *dump) record() collector.Record {
	state, rest, _ := bytes.Cut(d.key, []byte("\n"))
	rec := collector.Record{Count: 1, Wait: d.wait, IDs: []uint64{d.id}, Labels: parseLabels(d.labels)}
	if n := len(state); n > 0 && state[n-1] == leakedMark {
		rec.Leaked, state = true, state[:n-1]
	}
	rec.State = d.names.str(state)
	rec.Frames = make([]*collector.Frame, 0, bytes.Count(rest, []byte("\n"))/2)
	for len(rest) > 0 {
		var fn, at []byte
		fn, rest, _ = bytes.Cut(rest, []byte("\n"))
		at, rest, _ = bytes.Cut(rest, []byte("\n"))
		created := fn[0] == createdMark
		if created {
			fn = fn[1:]
		}
		f := collector.Frame{Func: d.names.str(fn)}
		f.File, f.Line = fileLine(at, d.names)
		if created {
			rec.CreatedBy = f
		} else {
			rec.Frames = append(rec.Frames, d.names.frame(f))
		}
	}
	rec.Frames = slices.Clip(rec.Frames)
	return rec
}

// isHeader tells the line that a goroutine begins with.
func isHeader(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, headerLead)
	if !ok {
		return false
	}
	i := 0
	for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
		i++
	}
	if i == 0 {
		return false
	}
	rest = rest[i:]
	return bytes.HasPrefix(rest, []byte(" [")) || bytes.HasPrefix(rest, []byte(" gp=0x")) && bytes.Contains(rest, []byte(" ["))
}

// parseLabels reads `{"key":"value", …}`, with or without spaces, and without
// quotes around plain words. What is not of that form ends it. No labels are
// nil.
func parseLabels(b []byte) map[string]string {
	if len(b) < 2 || b[0] != '{' || b[1] == '}' {
		return nil
	}
	var labels map[string]string
	for s := string(b); len(s) > 1 && (s[0] == '{' || s[0] == ','); {
		k, rest, ok := word(s[1:])
		if !ok || rest == "" || rest[0] != ':' {
			break
		}
		v, rest, ok := word(rest[1:])
		if !ok || rest == "" || rest[0] != ',' && rest[0] != '}' {
			break
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[k] = v
		s = rest
	}
	return labels
}

// word is a quoted string, or a plain one of letters, digits, '.', '/' and '_',
// which may be empty.
func word(s string) (value, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	if s == "" || s[0] != '"' {
		n := 0
		for n < len(s) && plain(s[n]) {
			n++
		}
		return s[:n], s[n:], true
	}
	q, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", s, false
	}
	if value, err = strconv.Unquote(q); err != nil {
		return "", s, false
	}
	return value, s[len(q):], true
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '/' || c == '_'
}

// keepCommon removes from a what b does not have.
func keepCommon(a, b map[string]string) {
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			delete(a, k)
		}
	}
}
