package pprof

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"github.com/gorowatch/gorowatch/collector"
)

// peekSize is how much of the beginning decides on the format. A dump may
// have a panic's text and log lines before its first goroutine.
const peekSize = 64 << 10

// Parse reads a goroutine or goroutineleak profile in any format, compressed
// or not. fetched is the profile's time where it has none of its own.
//
// Counts of a profile with Incomplete set mean nothing. An error is a
// *collector.Error and says where in the profile it happened, by line or by
// byte; the caller adds the name of the file or the URL. Nothing is returned
// along with an error.
func Parse(r io.Reader, fetched time.Time, lim Limits) (*collector.Profile, error) {
	return ParseContext(context.Background(), r, fetched, lim)
}

// ParseContext is Parse for as long as the context lasts. It bounds the decoding
// too, not only the reading.
func ParseContext(ctx context.Context, r io.Reader, fetched time.Time, lim Limits) (*collector.Profile, error) {
	lim = lim.withDefaults()
	memory := lim.account(ctx)
	defer memory.close()
	return decodeAll(r, fetched, lim, memory)
}

// decodeAll is Parse at the expense of an account.
func decodeAll(r io.Reader, fetched time.Time, lim Limits, memory *account) (*collector.Profile, error) {
	var records []collector.Record
	var slab []*collector.Frame
	p, err := decode(r, fetched, lim, memory, func(_ collector.Format, rec *collector.Record) error {
		n := len(rec.Frames)
		if cap(slab)-len(slab) < n {
			slab = make([]*collector.Frame, 0, max(n, slabFrames))
			if err := memory.charge(8 * cap(slab)); err != nil {
				return err
			}
		}
		from := len(slab)
		slab = append(slab, rec.Frames...)
		kept := *rec
		kept.Frames, kept.Numbers = slab[from:len(slab):len(slab)], nil
		return push(memory, &records, kept)
	})
	if err != nil {
		return nil, err
	}
	p.Records = records
	return p, nil
}

// slabFrames is how many frames are allocated together.
const slabFrames = 1024

// Read is Parse for those who keep less than all of it: each record is handed
// to keep, and the profile returned has none. The record and the arrays behind its
// Frames and Numbers are used again for the next one; everything else may be kept. What
// was handed out before an error must be thrown away. An error of keep ends
// the reading and is returned as it is.
func Read(r io.Reader, fetched time.Time, lim Limits, keep func(collector.Format, *collector.Record) error) (*collector.Profile, error) {
	return ReadContext(context.Background(), r, fetched, lim, keep)
}

// ReadContext is Read for as long as the context lasts.
func ReadContext(ctx context.Context, r io.Reader, fetched time.Time, lim Limits, keep func(collector.Format, *collector.Record) error) (*collector.Profile, error) {
	lim = lim.withDefaults()
	memory := lim.account(ctx)
	defer memory.close()
	return decode(r, fetched, lim, memory, keep)
}

// decode is Read at the expense of an account. A panic of a decoder, which would
// be a mistake of ours, is an error like others: profiles come from strangers.
func decode(r io.Reader, fetched time.Time, lim Limits, memory *account, keep func(collector.Format, *collector.Record) error) (p *collector.Profile, err error) {
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, collector.Errorf(collector.ReasonDecoder, "the decoder failed: %.200s", fmt.Sprint(v))
		}
	}()
	lim.memory = memory
	body := &limitReader{memory: memory, r: r, n: lim.Body, what: "bytes"}
	p = &collector.Profile{}
	var kept error
	err = read(body, lim, p, func(rec *collector.Record) error {
		if err := memory.check(); err != nil {
			return err
		}
		if rec.Count > collector.MaxGoroutines-p.Total {
			return collector.Errorf(collector.ReasonBadData, "the number of goroutines overflows: more than %d, which no program has", collector.MaxGoroutines)
		}
		p.Total += rec.Count
		if p.Kind == collector.KindGoroutineLeak && p.Format != collector.FormatDebug2 {
			rec.Leaked = true
		}
		kept = keep(p.Format, rec)
		return kept
	})
	if kept != nil {
		return nil, kept
	}
	if errors.Is(err, context.DeadlineExceeded) && body.ended {
		err = collector.Errorf(collector.ReasonTooLarge, "it takes too long to decode: %w", err)
	}
	if err != nil {
		if reason := collector.NetworkReason(err); reason != collector.ReasonOf(err) {
			err = &collector.Error{Reason: reason, Err: err}
		}
		return nil, err
	}
	if p.Time.IsZero() {
		p.Time = fetched
	}
	return p, nil
}

// emit takes the records of a profile as they are read.
type emit func(*collector.Record) error

var gzipMagic = []byte{0x1f, 0x8b}

func read(body io.Reader, lim Limits, p *collector.Profile, out emit) error {
	return readBody(bufio.NewReaderSize(body, peekSize), lim, false, p, out)
}

// readBody decompresses what is compressed. Nested tells that it was before.
func readBody(br *bufio.Reader, lim Limits, nested bool, p *collector.Profile, out emit) error {
	head, err := br.Peek(2)
	if len(head) == 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return collector.Errorf(collector.ReasonNotProfile, "it is empty, not a profile")
	}
	if !bytes.Equal(head, gzipMagic) {
		return readPlain(br, lim, p, out)
	}
	zr, err := gzip.NewReader(br)
	if err != nil {
		return gzipError(err, 0)
	}
	defer func() { _ = zr.Close() }()
	decoded := &limitReader{memory: lim.memory, r: zr, n: lim.Decoded, what: "bytes when decompressed"}
	br = bufio.NewReaderSize(decoded, peekSize)
	if head, _ := br.Peek(2); bytes.Equal(head, gzipMagic) && !nested {
		// A proxy, or whoever stored it, compressed the profile once more.
		err = readBody(br, lim, true, p, out)
	} else {
		err = readPlain(br, lim, p, out)
	}
	if err == nil {
		// The checksum is at the end.
		_, err = io.Copy(io.Discard, br)
	}
	return gzipError(err, decoded.read)
}

func gzipError(err error, at int64) error {
	var corrupt flate.CorruptInputError
	switch {
	case err == nil, errors.As(err, new(*collector.Error)):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return collector.Errorf(collector.ReasonTruncated, "the gzip stream ends early, after %d decompressed bytes", at)
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return collector.Errorf(collector.ReasonBadData, "damaged after %d decompressed bytes: %w", at, err)
	}
	return fmt.Errorf("after %d decompressed bytes: %w", at, err)
}

// readPlain decides on the format and reads it.
func readPlain(br *bufio.Reader, lim Limits, p *collector.Profile, out emit) error {
	br, err := asUTF8(br)
	if err != nil {
		return err
	}
	head, err := br.Peek(peekSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if name := otherBinary(head); name != "" {
		return collector.Errorf(collector.ReasonNotProfile, "that is %s", name)
	}
	switch f := detect(head); f {
	case formatProto:
		return readProto(br, lim, p, out)
	case formatDebug1:
		return readDebug1(lines{br: br}, lim, p, out)
	case formatDebug2:
		return readDebug2(lines{br: br}, lim, p, out)
	case formatEmpty:
		return collector.Errorf(collector.ReasonNotProfile, "it is empty, not a profile")
	case formatHTML:
		return collector.Errorf(collector.ReasonNotProfile, "that is a web page, not a profile: is there a login or a proxy in front of it?")
	case formatOther:
		return collector.Errorf(collector.ReasonNotProfile, "that is %s, not a goroutine profile", otherProfile(head))
	default:
		if what := brokenPaste(head); what != "" {
			return collector.Errorf(collector.ReasonNotProfile, "that is %s", what)
		}
		first := bytes.Clone(beginning(head))
		in, f, err := skipText(br)
		switch {
		case err != nil:
			return err
		case f == formatDebug1:
			return readDebug1(in, lim, p, out)
		case f == formatDebug2:
			return readDebug2(in, lim, p, out)
		}
		return collector.Errorf(collector.ReasonNotProfile, "that is text, not a goroutine profile; it begins %q", first)
	}
}

// logLimit is how much of a log may be before a dump in it.
const logLimit = 16 << 20

// skipText reads up to the dump in a longer log, if there is one.
func skipText(br *bufio.Reader) (in lines, f format, err error) {
	in = lines{br: br}
	for in.size < logLimit {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return in, formatText, err
		}
		switch text := trimmedCopy(line); {
		case isTotal(text):
			f = formatDebug1
		case isHeader(text):
			f = formatDebug2
		default:
			continue
		}
		// The line comes once more, with an end, unless it is the last one.
		again := bytes.Clone(line)
		if in.last == '\n' {
			again = append(again, '\n')
		}
		return lines{br: bufio.NewReaderSize(io.MultiReader(bytes.NewReader(again), br), peekSize), n: in.n - 1}, f, nil
	}
	return in, formatText, nil
}

// otherBinary names a file that holds something else, and says what to do.
// It is empty for what may be a profile.
func otherBinary(head []byte) string {
	for _, o := range []struct{ lead, name string }{
		{"PK\x03\x04", "a .zip archive; unpack it and use a profile inside"},
		{"PK\x05\x06", "an empty .zip archive"},
		{"\x28\xb5\x2f\xfd", "compressed with zstd; decompress it first: zstd -d FILE"},
		{"\xfd7zXZ\x00", "compressed with xz; decompress it first: xz -d FILE"},
		{"BZh91AY&SY", "compressed with bzip2; decompress it first: bzip2 -d FILE"},
		{"\x04\x22\x4d\x18", "compressed with lz4; decompress it first: lz4 -d FILE"},
		{"7z\xbc\xaf\x27\x1c", "a .7z archive; unpack it and use a profile inside"},
		{"\x7fELF", "a program or a core dump, not a goroutine profile"},
		{"%PDF-", "a PDF document; use the text of the dump itself"},
	} {
		if bytes.HasPrefix(head, []byte(o.lead)) {
			return o.name
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "a .tar archive; unpack it (tar -xf FILE) and use a profile inside"
	}
	if len(head) > 16 && bytes.HasPrefix(head, []byte("go 1.")) && bytes.Contains(head[:16], []byte(" trace\x00")) {
		return "an execution trace of Go, not a goroutine profile; use /debug/pprof/goroutine"
	}
	return ""
}

// brokenPaste names a text that was a profile once, and says what to do.
func brokenPaste(head []byte) string {
	text := bytes.TrimLeft(head, blanks+"\n")
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if count, _, ok := bytes.Cut(line, []byte(" @ 0x")); ok && len(count) > 0 && len(bytes.Trim(count, "0123456789")) == 0 {
		return `a debug=1 profile without its first line ("goroutine profile: total N"), so nothing tells whether the rest is whole; copy it from the first line on`
	}
	if bytes.HasPrefix(text, []byte("StatusCode ")) && bytes.Contains(text, []byte("RawContent")) {
		return "what PowerShell shows of a response, which is cut; save the response itself: Invoke-WebRequest URL -OutFile FILE"
	}
	return ""
}

type format int

const (
	formatText format = iota
	formatEmpty
	formatHTML
	formatOther
	formatProto
	formatDebug1
	formatDebug2
)

var (
	leadGoroutine     = []byte("goroutine profile: total ")
	leadGoroutineLeak = []byte("goroutineleak profile: total ")
)

// detect tells the format from the beginning of a profile.
func detect(head []byte) format {
	if looksBinary(head) {
		return formatProto
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, utf8BOM), blanks+"\n")
	first, _, _ := bytes.Cut(text, []byte("\n"))
	first = trimmedCopy(first)
	switch {
	case len(text) == 0:
		return formatEmpty
	case text[0] == '<':
		return formatHTML
	case isTotal(first):
		return formatDebug1
	case otherProfile(first) != "":
		return formatOther
	}
	// What a terminal showed before it, such as the command, may have been
	// copied along.
	for line := range bytes.Lines(text) {
		line = trimmedCopy(line)
		switch {
		case isTotal(line):
			return formatDebug1
		case isHeader(line):
			return formatDebug2
		}
	}
	return formatText
}

// trimmedCopy is trimLine for a line that must stay as it is.
func trimmedCopy(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	if bytes.IndexFunc(line, func(r rune) bool { return r >= utf8.RuneSelf || r == 0x1b }) >= 0 {
		line = bytes.Clone(line)
	}
	line, _ = trimLine(line)
	return line
}

// isTotal tells the first line of a debug=1 profile.
func isTotal(line []byte) bool {
	return bytes.HasPrefix(line, leadGoroutine) || bytes.HasPrefix(line, leadGoroutineLeak)
}

// looksBinary holds for the protocol buffer, which has field tags and
// lengths among its first bytes, and for no text.
func looksBinary(head []byte) bool {
	for _, c := range head[:min(len(head), 512)] {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\f' && c != 0x1b {
			return true
		}
	}
	return false
}

// otherProfile names a text profile that does not count goroutines.
func otherProfile(head []byte) string {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, utf8BOM), " \t\r\n")
	for _, o := range []struct{ lead, name string }{
		{"heap profile: ", "a heap profile"},
		{"threadcreate profile: ", "a threadcreate profile"},
		{"--- contention:", "a block profile"},
		{"--- mutex:", "a mutex profile"},
		{"--- heapz", "a heap profile"},
		{"--- symbol", "a symbol table"},
	} {
		if bytes.HasPrefix(text, []byte(o.lead)) {
			return o.name
		}
	}
	if name, rest, ok := bytes.Cut(text, []byte(" profile: total ")); ok && len(name) < 64 && !bytes.ContainsAny(name, " \n") && len(rest) > 0 {
		return fmt.Sprintf("a profile of %q", name)
	}
	return ""
}

// beginning is the first line of a text, cut for a message.
func beginning(head []byte) []byte {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte("\n"))
	return bytes.TrimRight(line[:min(len(line), 60)], "\r")
}

// limitReader fails on the byte after the n-th rather than ending there, so
// that what is too long is not taken for something shorter. It fails with the
// account, too.
type limitReader struct {
	memory *account
	r      io.Reader
	n      int64
	what   string
	read   int64
	ended  bool // r has no more
}

func (l *limitReader) Read(p []byte) (int, error) {
	if err := l.memory.check(); err != nil {
		return 0, err
	}
	if int64(len(p)) > l.n-l.read+1 {
		p = p[:l.n-l.read+1]
	}
	n, err := l.r.Read(p)
	l.read += int64(n)
	l.ended = l.ended || errors.Is(err, io.EOF)
	if l.read > l.n {
		return 0, collector.Errorf(collector.ReasonTooLarge, "more than %d %s", l.n, l.what)
	}
	return n, err
}
