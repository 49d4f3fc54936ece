package dump

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/gorowatch/gorowatch/collector/pprof/paste"
)

// Form is the kind of a text, by its beginning.
type Form int

// The forms.
const (
	Text   Form = iota // no dump was found in it yet
	Empty              // nothing but blanks
	HTML               // a web page
	Other              // another profile
	Binary             // no text
	Debug1
	Debug2
)

var (
	leadGoroutine     = []byte("goroutine profile: total ")
	leadGoroutineLeak = []byte("goroutineleak profile: total ")
)

// Detect finds the format from the beginning of a profile.
func Detect(head []byte) Form {
	if paste.IsBinary(head) {
		return Binary
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, paste.ByteOrderMark), blanks+"\n")
	first, _, _ := bytes.Cut(text, []byte("\n"))
	first = trimmedCopy(first)
	switch {
	case len(text) == 0:
		return Empty
	case text[0] == '<':
		return HTML
	case isTotal(first):
		return Debug1
	case otherProfile(first) != "":
		return Other
	}
	// Earlier output of a terminal, such as the command, may have been copied along.
	for line := range bytes.Lines(text) {
		line = trimmedCopy(line)
		switch {
		case isTotal(line):
			return Debug1
		case isHeader(line):
			return Debug2
		}
	}
	return Text
}

// trimmedCopy is trimLine for a line that must not change.
func trimmedCopy(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	if bytes.IndexFunc(line, func(r rune) bool { return r >= utf8.RuneSelf || r == 0x1b }) >= 0 {
		line = bytes.Clone(line)
	}
	line, _ = trimLine(line)
	return line
}

// isTotal matches the first line of a debug=1 profile.
func isTotal(line []byte) bool {
	return bytes.HasPrefix(line, leadGoroutine) || bytes.HasPrefix(line, leadGoroutineLeak)
}

// isHeader matches the first line of a goroutine.
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

// otherProfile names a text profile that does not count goroutines.
func otherProfile(head []byte) string {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, paste.ByteOrderMark), " \t\r\n")
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
	if name, rest, ok := bytes.Cut(text, []byte(" profile: total ")); ok && len(name) < 64 && !bytes.ContainsAny(name, " \n\"{[<") && len(rest) > 0 {
		return fmt.Sprintf("a profile of %q", name)
	}
	return ""
}

// brokenPaste recognises a text that used to be a profile, and says what to do.
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

// FirstLine returns the first line of a text, cut for a message.
func FirstLine(head []byte) []byte {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte("\n"))
	return bytes.TrimRight(line[:min(len(line), 60)], "\r")
}
