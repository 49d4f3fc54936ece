package dump

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
	"github.com/gorowatch/gorowatch/collector/pprof/paste"
)

// start is where a dump begins within a text.
type start struct {
	form Form
	// at is the offset within its line: 0 for a dump that is not wrapped.
	at    int
	delve bool
	// skipped is the number of lines before it, text how many of these are not empty.
	skipped, text int
	// within means that a frame comes before it, so the text starts in the middle of a
	// goroutine.
	within bool
	// sources are those that are read.
	sources sources
}

// logLimit bounds the text of a log before a dump.
const logLimit = 16 << 20

// findStart reads up to the first line of a dump. The form is Text if there is none.
func findStart(br *bufio.Reader, sources sources) (s start, err error) {
	s.sources = sources
	for size := 0; size < logLimit; {
		head, err := br.Peek(bounds.BufferSize)
		if err != nil && !errors.Is(err, io.EOF) {
			return s, err
		}
		last := err != nil
		done := 0
		for done < len(head) {
			line, n := cutLine(head[done:])
			if n == 0 {
				if done > 0 && !last {
					break // the next look has all of it
				}
				line, n = head[done:], len(head)-done
			}
			if s.look(line) {
				_, _ = br.Discard(done)
				return s, nil
			}
			s.skipped++
			done += n
		}
		_, _ = br.Discard(done)
		if size += done; last && done == len(head) {
			break
		}
		if done > 0 && head[done-1] != '\n' {
			// A line longer than the buffer.
			s.skipped--
		}
	}
	return s, nil
}

// look reports whether a dump begins with the line.
func (s *start) look(line []byte) bool {
	text := trimmedCopy(line)
	if len(text) == 0 {
		return false
	}
	switch {
	case s.sources.foreign(line), (isTotal(text) || isHeader(text)) && s.sources.skips(line, 0):
		s.text++
		return false
	case isTotal(text):
		s.form = Debug1
		return true
	case isHeader(text):
		s.form = Debug2
		return true
	}
	if i := bytes.Index(line, []byte("oroutine")); i > 0 {
		if _, ok := goleakHeader(text); ok {
			s.form = Debug2
			return true
		}
		if paste.IsDelve(text) {
			s.form, s.delve = Debug2, true
			return true
		}
		if at, form := startWithin(line); at > 0 && !s.sources.skips(line, at) {
			s.form, s.at = form, at
			return true
		}
	}
	s.text++
	if at, ok := fileOf(text, true); ok && len(at) < len(text) {
		s.within = true
	}
	return false
}

// startWithin returns where in a line a wrapped dump begins; 0 if none does. The start of a
// dump ends its line.
func startWithin(line []byte) (at int, form Form) {
	for from := 0; ; {
		i := bytes.Index(line[from:], []byte("oroutine"))
		if i < 0 {
			return 0, Text
		}
		i += from
		from = i + len("oroutine")
		if i < 2 {
			continue
		}
		rest := line[i-1:]
		switch {
		case isTotal(rest):
			n := bytes.IndexByte(rest, ':') + len(": total ")
			for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
				n++
			}
			if endsLine(rest[n:]) {
				return i - 1, Debug1
			}
		case isHeader(rest):
			for j := 1; j < len(rest); j++ {
				if rest[j] == ':' && (rest[j-1] == ']' || rest[j-1] == '}') && endsLine(rest[j+1:]) {
					return i - 1, Debug2
				}
			}
		case rest[0] == 'G' && paste.IsDelve(rest):
			at := i - 1
			for at > 1 && (line[at-1] == '*' || line[at-1] == ' ' && (line[at-2] == ' ' || line[at-2] == '*')) {
				at-- // the marker of the current goroutine
			}
			return at, Debug2
		case rest[0] == 'G':
			if n := bytes.Index(rest, stackLead); n >= 0 && endsLine(rest[n+len(stackLead):]) {
				if _, ok := goleakHeader(rest[:n+len(stackLead)]); ok {
					if line[i-2] == '[' { // of the first
						return i - 2, Debug2
					}
					return i - 1, Debug2
				}
			}
		}
	}
}

// endsLine reports whether a line ends where the text begins: after blanks, at a line end as
// strings spell it, at a quote, or at a tag.
func endsLine(text []byte) bool {
	text = trimRight(text)
	if len(text) == 0 || text[0] == '"' || text[0] == '<' {
		return true
	}
	rest := bytes.TrimLeft(text, `\`)
	return len(rest) < len(text) && len(rest) > 0 && (rest[0] == 'n' || rest[0] == 'r' || rest[0] == '"')
}

var stackLead = []byte(" on top of the stack:")

// goleakHeader returns the header of a goroutine in a report of goleak, in the form of a dump:
// "Goroutine 7 in state chan receive, with main.f on top of the stack:".
func goleakHeader(line []byte) (header []byte, ok bool) {
	line = bytes.TrimPrefix(line, []byte("["))
	rest, ok := bytes.CutPrefix(line, []byte("Goroutine "))
	id, state, is := bytes.Cut(rest, []byte(" in state "))
	if !ok || !is || len(id) == 0 || len(bytes.Trim(id, "0123456789")) > 0 {
		return nil, false
	}
	i := bytes.LastIndex(state, []byte(", with "))
	if i < 0 || !bytes.HasSuffix(state, stackLead) {
		return nil, false
	}
	header = append([]byte("goroutine "), id...)
	return append(append(append(header, " ["...), state[:i]...), "]:"...), true
}
