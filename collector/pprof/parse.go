package pprof

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

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
	lim = lim.withDefaults()
	p, err := parse(r, lim)
	if err != nil {
		if reason := collector.NetworkReason(err); reason != collector.ReasonOf(err) {
			err = &collector.Error{Reason: reason, Err: err}
		}
		return nil, err
	}
	if p.Time.IsZero() {
		p.Time = fetched
	}
	if p.Kind == collector.KindGoroutineLeak && p.Format != collector.FormatDebug2 {
		for i := range p.Records {
			p.Records[i].Leaked = true
		}
	}
	return p, nil
}

func parse(r io.Reader, lim Limits) (*collector.Profile, error) {
	body := &limitReader{r: r, n: lim.Body, what: "bytes"}
	br := bufio.NewReaderSize(body, peekSize)
	head, err := br.Peek(2)
	if len(head) == 0 {
		if err != nil && err != io.EOF {
			return nil, err
		}
		return nil, collector.Errorf(collector.ReasonNotProfile, "it is empty, not a profile")
	}
	if head[0] == 0x1f && len(head) == 2 && head[1] == 0x8b {
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, gzipError(err, 0)
		}
		defer func() { _ = zr.Close() }()
		decoded := &limitReader{r: zr, n: lim.Decoded, what: "bytes when decompressed"}
		br = bufio.NewReaderSize(decoded, peekSize)
		p, err := parsePlain(br, lim)
		if err == nil {
			// What follows the profile must at least be sound: the checksum
			// is at the end.
			_, err = io.Copy(io.Discard, br)
		}
		if err != nil {
			return nil, gzipError(err, decoded.read)
		}
		return p, nil
	}
	lim.Decoded = min(lim.Decoded, lim.Body)
	return parsePlain(br, lim)
}

func gzipError(err error, at int64) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, new(*collector.Error)):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return collector.Errorf(collector.ReasonTruncated, "the gzip stream ends early, after %d decompressed bytes", at)
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return collector.Errorf(collector.ReasonBadData, "damaged after %d decompressed bytes: %w", at, err)
	}
	return fmt.Errorf("after %d decompressed bytes: %w", at, err)
}

// parsePlain decides on the format and reads it.
func parsePlain(br *bufio.Reader, lim Limits) (*collector.Profile, error) {
	head, err := br.Peek(peekSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch f := detect(head); f {
	case formatProto:
		return parseProto(br, lim)
	case formatDebug1:
		return parseDebug1(br, lim)
	case formatDebug2:
		return parseDebug2(br, lim)
	case formatEmpty:
		return nil, collector.Errorf(collector.ReasonNotProfile, "it is empty, not a profile")
	case formatHTML:
		return nil, collector.Errorf(collector.ReasonNotProfile, "that is a web page, not a profile")
	case formatOther:
		return nil, collector.Errorf(collector.ReasonNotProfile, "that is %s, not a goroutine profile", otherProfile(head))
	default:
		return nil, collector.Errorf(collector.ReasonNotProfile, "that is text, not a goroutine profile; it begins %q", beginning(head))
	}
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
	utf8BOM           = []byte("\xef\xbb\xbf")
)

// detect tells the format from the beginning of a profile.
func detect(head []byte) format {
	if looksBinary(head) {
		return formatProto
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, utf8BOM), " \t\r\n")
	switch {
	case len(text) == 0:
		return formatEmpty
	case text[0] == '<':
		return formatHTML
	case bytes.HasPrefix(text, leadGoroutine), bytes.HasPrefix(text, leadGoroutineLeak):
		return formatDebug1
	case otherProfile(text) != "":
		return formatOther
	}
	for line := range bytes.Lines(text) {
		if isHeader(line) {
			return formatDebug2
		}
	}
	return formatText
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
// that what is too long is not taken for something shorter.
type limitReader struct {
	r    io.Reader
	n    int64
	what string
	read int64
}

func (l *limitReader) Read(p []byte) (int, error) {
	if int64(len(p)) > l.n-l.read+1 {
		p = p[:l.n-l.read+1]
	}
	n, err := l.r.Read(p)
	l.read += int64(n)
	if l.read > l.n {
		return 0, collector.Errorf(collector.ReasonTooLarge, "more than %d %s", l.n, l.what)
	}
	return n, err
}
