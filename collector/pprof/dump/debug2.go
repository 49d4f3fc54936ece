package dump

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// dumpLimit is where net/http/pprof and runtime/pprof silently cut a dump of all stacks.
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

// readDebug2 reads a dump of all stacks as debug=2, a panic or SIGQUIT prints it:
//
//	goroutine 18 [chan send (leaked), 12 minutes] {n: 7, route: "a b"}:
//	main.logHandler.func1(0xc000112000)
//		/src/handler.go:29 +0x1d
//	created by main.logHandler in goroutine 17
//		/src/handler.go:18 +0x5e
//
// Go 1.27 has the labels there. Before its release, and in other tools' dumps, they are the
// last within the brackets, as labels:{…}.
//
// It is read in a stream. Goroutines at the same place become one record as they come, so that
// memory follows the number of distinct stacks (and some 40 bytes for each goroutine). Lines
// that do not belong to a stack, such as a panic's message or a log line in between, are
// skipped.
//
// In a pasted dump the tab before a file may be spaces, spelled out ("#011") or gone. All lines
// may be indented, and there may be blanks or empty lines after each. So a line is recognised
// by its content, not by its indentation.
//
// A goroutine that is printed twice, as GOTRACEBACK=crash does, counts once, and the
// scheduler's own (goroutine 0) not at all. Of several dumps in a row, the last one counts.
func readDebug2(in *lines, lim bounds.Limits, memory *bounds.Account, p *collector.Profile, n *notes, out emit) error {
	p.Kind, p.Format = collector.KindGoroutine, collector.FormatDebug2
	d := dump{in: in, lim: lim, memory: memory, names: newInterner(), index: map[string]int{}}
	d.names.memory = memory
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
			_ = memory.Charge(cap(d.key) - before)
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
	n.ignored += d.ignored
	if d.goleak {
		n.names = append(n.names, "goleak's report")
	}
	if d.untabbed > 0 {
		n.assumed = append(n.assumed, "tabs before files are gone")
	}
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

// dump is the state of reading a dump.
type dump struct {
	in      *lines
	lim     bounds.Limits
	memory  *bounds.Account
	names   interner
	index   map[string]int // key → record
	records []collector.Record
	read    sightings

	readable  bool   // a goroutine has a frame, or says why it has none
	bare      int    // goroutines without a frame and without a reason
	crash     bool   // by GOTRACEBACK=crash
	strange   string // for a message: the first line of a goroutine that was not understood
	strangeAt int
	counts    bool   // a debug=1 profile follows
	missing   string // for a message: where a part of the text is missing
	between   bool   // there was other text since the last goroutine
	goleak    bool   // it is a report of goleak
	ignored   int    // lines that belong to no goroutine
	untabbed  int    // files that were not indented
	spaced    bool   // an empty line follows each line

	// The goroutine being read.
	open        bool
	announced   bool // by a line of goleak, after which a header may follow
	gap         bool // the last line was empty
	unavailable bool // the dump says that its stack is unavailable
	apart       bool // there was other text before it
	lead        int  // the width of the indentation of its header
	id          uint64
	creator     uint64 // the goroutine that started it; 0: not known
	wait        time.Duration
	labels      []byte // as printed
	frames      int
	pending     int    // length of a function's name at the end of key, until its file line comes
	doubtful    bool   // it may be no function
	half        []byte // the line before, if it was not understood
	halfFile    bool   // it may be the start of a file
	halfAt      int    // its number
	join        []byte
	skip        bool // after an "originating from" line
	// key is what equal goroutines share: the state, and then for each frame its function and
	// its file and line, all ended by newlines. A created-by frame has createdMark before its
	// function.
	key []byte
}

// Estimated sizes of what is kept of a goroutine and of a record: slices that grow have room to
// spare.
const (
	idSize     = 20
	recordSize = 250
)

const (
	leakedMark  = '!' // ends the state of a leaked goroutine
	createdMark = '+'
	splitMark   = 0 // precedes the label that distinguishes goroutines
)

func (d *dump) line(raw []byte) error {
	line, lead := trimLine(raw)
	if len(line) == 0 {
		return d.emptyLine()
	}
	if line[0] == 'g' && isHeader(line) {
		if d.announced && d.frames == 0 && d.pending == 0 {
			d.open = false // goleak's own line was about the same goroutine
		}
		return d.begin(line, lead)
	}
	if line[0] == 'G' || line[0] == '[' {
		if header, ok := goleakHeader(line); ok {
			err := d.begin(header, lead)
			d.goleak, d.announced = true, true
			return err
		}
	}
	if d.goleak && string(line) == "]" {
		return d.close()
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
		d.ignored++
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
			if lead <= d.lead {
				d.untabbed++
			}
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
		if i := bytes.Index(line, inGoroutine); i >= 0 {
			d.creator = creatorOf(trimRight(line[i+len(inGoroutine):]))
		}
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
			d.strange, d.strangeAt = string(FirstLine(line)), d.in.n
		}
		return nil
	}
	d.dropHalf()
	d.spaced = d.spaced || gap && d.frames == 0
	d.pending = len(d.key) - start
	d.doubtful = kind == perhapsCalled
	if d.strange == "" {
		d.strange, d.strangeAt = string(FirstLine(line)), d.in.n
	}
	return nil
}

// begin starts a goroutine with its header.
func (d *dump) begin(header []byte, lead int) error {
	if err := d.close(); err != nil {
		return err
	}
	d.announced = false
	d.lead = lead
	return d.header(header)
}
