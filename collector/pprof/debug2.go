package pprof

import (
	"bytes"
	"errors"
	"fmt"
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

	stackUnavailable = []byte("stack unavailable")
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
// they come, so that memory follows the number of distinct stacks (and some 32
// bytes for each goroutine). Lines that do not belong to a stack, such as a
// panic's message or a log line in between, are skipped.
//
// Dumps are pasted, and then the tab before a file may be spaces, spelled out
// ("#011") or gone, all lines may be indented, and there may be blanks or empty
// lines after each. So a line is told by what it says, not by its indentation.
//
// A goroutine that is printed twice, as GOTRACEBACK=crash does, counts once, and
// the scheduler's own (goroutine 0) not at all. Of several dumps, one behind the
// other, the last one counts.
func readDebug2(in lines, lim Limits, p *collector.Profile, out emit) error {
	p.Kind, p.Format = collector.KindGoroutine, collector.FormatDebug2
	d := dump{in: in, lim: lim, names: newInterner(), index: map[string]int{}}
	d.names.memory = lim.memory
	for {
		if !d.open {
			d.readKnown()
		}
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
	unreadable := func() error {
		return collector.Errorf(collector.ReasonBadData, "line %d: no goroutine has a frame that can be read: want \"FUNCTION(ARGUMENTS)\" and below it \"\\tFILE:LINE\", have %q", d.strangeAt, d.strange)
	}
	if !d.readable && len(d.records) > 0 {
		return unreadable()
	}
	if !p.Incomplete && d.open && (d.pending > 0 && !d.doubtful || d.frames == 0 && !d.gap && !d.unavailable) {
		return collector.Errorf(collector.ReasonTruncated, "line %d: it ends within goroutine %d", d.in.n, d.id)
	}
	if err := d.close(); err != nil {
		return err
	}
	if len(d.records) == 0 {
		return collector.Errorf(collector.ReasonNotProfile, "line %d: a dump without a goroutine", d.in.n)
	}
	if !d.readable {
		return unreadable()
	}
	p.Warnings = append(p.Warnings, d.finish()...)
	for i := range d.records {
		if d.records[i].Count == 0 {
			continue // only in an earlier dump
		}
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
	read    sightings

	readable  bool   // a goroutine has a frame, or says why it has none
	bare      int    // goroutines without a frame and without a reason
	crash     bool   // by GOTRACEBACK=crash
	strange   string // the first line of a goroutine that is not understood, for a message
	strangeAt int
	counts    bool   // there is a debug=1 profile behind it
	missing   string // where a part of the text is missing, for a message
	between   bool   // there is other text since the last goroutine
	spaced    bool   // an empty line follows each line

	// The goroutine being read.
	open        bool
	gap         bool // an empty line came last
	unavailable bool // its stack is, as the dump says
	apart       bool // there was other text before it
	lead        int  // the width of the indentation of its header
	id          uint64
	wait        time.Duration
	labels      []byte // as printed
	frames      int
	pending     int    // length of a function's name at the end of key, until its file line comes
	doubtful    bool   // that may be no function
	half        []byte // the line before, if it was not understood
	halfFile    bool   // it may be the beginning of a file
	halfAt      int    // its number
	join        []byte
	skip        bool // past an "originating from" line
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

func (d *dump) line(raw []byte) error {
	line, lead := trimLine(raw)
	if len(line) == 0 {
		return d.emptyLine()
	}
	if line[0] == 'g' && isHeader(line) {
		if err := d.close(); err != nil {
			return err
		}
		d.lead = lead
		return d.header(line)
	}
	if line[0] == 'g' && isTotal(line) {
		d.counts = true
		return d.close()
	}
	if len(d.records) > 0 || d.open {
		d.noteGap(line)
	}
	if !d.open {
		d.between = true
		return nil
	}
	if d.skip {
		return nil
	}
	gap := d.gap
	d.gap = false
	if d.pending > 0 {
		at, ok := fileOf(line, lead > d.lead)
		if len(d.half) > 0 && !isPath(line) && lead <= d.lead && isPath(d.half) {
			if whole, joins := fileOf(d.joined(line), false); joins {
				at, ok, d.half = whole, true, d.half[:0]
			}
		}
		if ok {
			d.dropHalf()
			d.fileLine(at)
			d.spaced = d.spaced || gap
			return nil
		}
	}
	start := len(d.key)
	name, kind := functionOf(line)
	if kind != creatorFunction && len(d.half) > 0 && bytes.IndexByte(name, '.') < 0 && bytes.IndexByte(d.half, '.') >= 0 {
		if whole, joins := functionOf(d.joined(line)); joins == calledFunction {
			name, kind, d.half = whole, joins, d.half[:0]
		}
	}
	switch {
	case kind == calledFunction, kind == perhapsCalled && d.pending == 0:
		start -= d.pending
		d.loseFrame()
		d.key = append(append(d.key, name...), '\n')
	case kind == creatorFunction:
		start -= d.pending
		d.loseFrame()
		d.key = append(append(append(d.key, createdMark), name...), '\n')
	case bytes.HasPrefix(line, ancestorLead):
		d.dropPending()
		d.skip = true
		return nil
	case bytes.HasSuffix(line, stackUnavailable):
		d.unavailable, d.readable = true, true
		return nil
	default:
		d.gap = gap && d.frames == 0 && d.pending == 0
		d.dropHalf()
		d.half, d.halfFile, d.halfAt = append(d.half, line...), d.pending > 0 && isPath(line) && bytes.IndexByte(line, ' ') < 0, d.in.n
		if d.strange == "" {
			d.strange, d.strangeAt = string(beginning(line)), d.in.n
		}
		return nil
	}
	d.dropHalf()
	d.spaced = d.spaced || gap && d.frames == 0
	d.pending = len(d.key) - start
	d.doubtful = kind == perhapsCalled
	if d.strange == "" {
		d.strange, d.strangeAt = string(beginning(line)), d.in.n
	}
	return nil
}

// joined is a line with the one before it, which was not understood: terminals
// and mailers break long lines.
func (d *dump) joined(line []byte) []byte {
	d.join = append(append(d.join[:0], d.half...), line...)
	return d.join
}

// dropHalf gives up the line before, of which the rest does not come.
func (d *dump) dropHalf() {
	if len(d.half) > 0 && d.halfFile && d.missing == "" {
		d.missing = fmt.Sprintf("line %d, %q: a part is missing there, so there may be more goroutines than counted", d.halfAt, beginning(d.half))
	}
	d.half = d.half[:0]
}

// isPath tells the beginning of an absolute path.
func isPath(b []byte) bool {
	return b[0] == '/' || len(b) > 2 && b[1] == ':' && (b[2] == '/' || b[2] == '\\')
}

// noteGap remembers the first line that shows that a part of the text is
// missing, by words that somebody put in its place.
func (d *dump) noteGap(line []byte) {
	if d.missing != "" {
		return
	}
	switch line[0] {
	case '.', '[', '(', '<', '-', 0xe2: // the last begins "…"
	default:
		return
	}
	lost := false
	for _, lead := range []string{"[...", "...", "[…", "…", "(...", "<snip", "[snip", "--snip", "[truncated", "(truncated", "[omitted", "(omitted", "[cut", "(cut", "[skipped", "(skipped"} {
		lost = lost || bytes.HasPrefix(line, []byte(lead)) && !bytes.HasSuffix(line, []byte("frames elided...")) && line[len(line)-1] != '}'
	}
	if lost {
		d.missing = fmt.Sprintf("line %d, %q: a part is missing there, so there may be more goroutines than counted", d.in.n, beginning(line))
	}
}

// emptyLine ends a goroutine, unless one is expected after every line: some
// terminals and web pages double the line ends.
func (d *dump) emptyLine() error {
	if d.in.last != '\n' {
		return nil // the text ends within a line
	}
	again := d.gap
	d.gap = true
	if !d.open || d.frames == 0 || d.pending > 0 || d.spaced && !again {
		return nil
	}
	return d.close()
}

// fileOf is the place that ends a frame: "/src/handler.go:29 +0x1d", in a crash
// with more behind. One that is not indented could be a line of a log, so it
// must look more like a place in a source.
func fileOf(line []byte, indented bool) (at []byte, ok bool) {
	at = line
	offset := false
	for {
		i := bytes.LastIndexByte(at, ' ')
		if i < 0 || !isOffset(at[i+1:]) {
			break
		}
		at, offset = trimRight(at[:i]), true
	}
	n := len(at)
	for n > 0 && at[n-1] >= '0' && at[n-1] <= '9' {
		n--
	}
	if n == len(at) || n < 2 || at[n-1] != ':' {
		return nil, false
	}
	if indented || offset {
		return at, true
	}
	file := at[:n-1]
	if bytes.IndexByte(file, ' ') >= 0 && file[0] != '/' && (len(file) < 3 || file[1] != ':') {
		return nil, false
	}
	dot := bytes.LastIndexByte(file, '.')
	return at, dot >= 0 && sourceExtensions[string(file[dot+1:])] || bytes.HasPrefix(file, []byte("<autogenerated>")) || file[len(file)-1] == '?'
}

// sourceExtensions are those of files that stand on stacks.
var sourceExtensions = map[string]bool{
	"go": true, "s": true, "S": true, "c": true, "cc": true, "cpp": true, "cxx": true, "h": true, "hpp": true, "m": true, "mm": true,
	"y": true, "l": true, "rl": true, "rs": true, "f": true, "f90": true, "templ": true, "qtpl": true,
}

// isOffset tells "+0x1d" and, in a crash, "fp=0x…", "sp=0x…" and "pc=0x…".
func isOffset(b []byte) bool {
	switch {
	case len(b) > 3 && b[0] == '+' && b[1] == '0' && b[2] == 'x':
		b = b[3:]
	case len(b) > 5 && (b[0] == 'f' || b[0] == 's' || b[0] == 'p') && (string(b[1:5]) == "p=0x" || string(b[:5]) == "pc=0x"):
		b = b[5:]
	default:
		return false
	}
	for _, c := range b {
		if !isHex(c) {
			return false
		}
	}
	return true
}

type lineKind int

const (
	noFunction      lineKind = iota
	calledFunction           // "main.f(0x1, ...)"
	perhapsCalled            // "retry(3)": the runtime prints no such arguments
	creatorFunction          // "created by main.f in goroutine 7"
)

// functionOf is the function that a line names. Names have no blanks outside of
// brackets, while lines of logs do.
func functionOf(line []byte) ([]byte, lineKind) {
	if name, ok := bytes.CutPrefix(line, createdByLead); ok {
		if i := bytes.Index(name, inGoroutine); i >= 0 {
			name = name[:i]
		}
		if hasBlank(name) {
			return nil, noFunction
		}
		return name, creatorFunction
	}
	if line[len(line)-1] != ')' {
		return nil, noFunction
	}
	i, strange := len(line)-2, false
	for ; i > 0 && line[i] != '('; i-- {
		strange = strange || !ofArguments[line[i]]
	}
	if i <= 0 || hasBlank(line[:i]) {
		return nil, noFunction
	}
	args := line[i+1 : len(line)-1]
	if strange || len(args) > 0 && isHex(args[0]) && !bytes.HasPrefix(args, []byte("0x")) {
		return line[:i], perhapsCalled
	}
	return line[:i], calledFunction
}

// ofArguments are the characters of arguments.
var ofArguments = func() (is [256]bool) {
	for _, c := range []byte("0123456789abcdefx?_.,{} ") {
		is[c] = true
	}
	return is
}()

// hasBlank tells whether a name has blanks outside of brackets, or brackets
// without their other half. The name of a method of a type without a name has
// some inside, "go.(*struct { sync.Mutex }).Lock".
func hasBlank(name []byte) bool {
	depth := 0
	for _, c := range name {
		switch inNames[c] {
		case nameByte:
		case nameOpen:
			depth++
		case nameClose:
			depth--
		case nameBlank:
			if depth == 0 {
				return true
			}
		}
	}
	return depth != 0 || len(name) == 0
}

// What a byte of a name is.
const (
	nameByte = iota
	nameOpen
	nameClose
	nameBlank
)

// inNames is a table, because nearly all bytes of a dump are looked up in it.
var inNames = [256]uint8{'(': nameOpen, '[': nameOpen, '{': nameOpen, ')': nameClose, ']': nameClose, '}': nameClose, ' ': nameBlank, '\t': nameBlank}

// fileLine ends a frame.
func (d *dump) fileLine(at []byte) {
	d.frames++
	d.readable = true
	if d.frames > d.lim.Depth && d.key[len(d.key)-d.pending] != createdMark {
		d.dropPending()
		return
	}
	d.pending = 0
	d.key = append(append(d.key, at...), '\n')
}

// loseFrame drops a function whose file does not come.
func (d *dump) loseFrame() {
	if d.pending > 0 && !d.doubtful && d.missing == "" {
		d.missing = fmt.Sprintf("line %d: a frame of goroutine %d has no file: a part is missing there, so there may be more goroutines than counted", d.in.n, d.id)
	}
	d.dropPending()
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
	if bytes.HasPrefix(rest[i:], []byte(" gp=0x")) {
		d.crash = true
	}
	apart := d.between
	d.between = false
	if id == 0 { // of a thread, not of the program
		d.crash = true
		return nil
	}
	rest = rest[bytes.IndexByte(rest, '[')+1:]
	d.open, d.id, d.wait, d.labels, d.frames, d.pending, d.skip = true, id, 0, d.labels[:0], 0, 0, false
	d.half = d.half[:0]
	d.gap, d.unavailable, d.apart = false, false, apart

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
	d.dropHalf()
	d.loseFrame()
	d.open = false
	at, ok := d.index[string(d.key)]
	if !ok {
		if len(d.records) >= d.lim.Stacks {
			return collector.Errorf(collector.ReasonTooLarge, "line %d: more than %d stacks", d.in.n, d.lim.Stacks)
		}
		_ = d.lim.memory.charge(len(d.key) + 2*len(d.labels) + recordSize)
		at = len(d.records)
		d.index[string(d.key)] = at
		d.records = append(d.records, d.record())
	}
	if d.frames == 0 && !d.unavailable {
		d.bare++
	}
	d.count(at)
	return nil
}

// count counts the goroutine being read to a record.
func (d *dump) count(at int) {
	_ = d.lim.memory.charge(idSize)
	if rec := &d.records[at]; rec.Labels != nil {
		keepCommon(rec.Labels, parseLabels(d.labels))
	}
	d.read.add(sighting{
		id: d.id, record: int32(at), apart: d.apart,
		minutes: uint32(min(d.wait/time.Minute, math.MaxUint32)),
	})
}

// record makes a record from the key; finish counts its goroutines.
func (d *dump) record() collector.Record {
	state, rest, _ := bytes.Cut(d.key, []byte("\n"))
	rec := collector.Record{Labels: parseLabels(d.labels)}
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
