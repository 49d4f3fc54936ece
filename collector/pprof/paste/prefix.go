package paste

import (
	"bytes"
	"fmt"
	"regexp"
)

// Prefix is the text that a logger puts before each line. Times in it may differ from line to
// line; everything else is the same for all lines of one source.
type Prefix struct {
	text  []byte
	parts []part
	// partial holds the beginning of a line that a container runtime has split.
	partial []byte
}

// part is a piece of a prefix.
type part struct {
	kind partKind
	text []byte
}

type partKind int

const (
	literal partKind = iota
	aTime
	criTag // "F " or, if more of the line follows, "P "
)

// NewPrefix makes a Prefix of the text before a line.
func NewPrefix(text []byte) *Prefix {
	p := &Prefix{text: bytes.Clone(text)}
	from := 0
	flush := func(to int) {
		if to > from {
			p.parts = append(p.parts, part{literal, p.text[from:to]})
		}
	}
	for i := 0; i < len(p.text); {
		n := timeLength(p.text[i:])
		if n == 0 || i > 0 && isWord(p.text[i-1]) {
			i++
			continue
		}
		flush(i)
		p.parts = append(p.parts, part{kind: aTime})
		i += n
		from = i
	}
	if tag := criEnd(p.text[from:]); tag >= 0 && from > 0 {
		flush(from + tag)
		p.parts = append(p.parts, part{kind: criTag})
		from = len(p.text)
	}
	flush(len(p.text))
	return p
}

// criEnd returns where the tag is in " stderr F ", the end of what a container runtime writes
// before a line; -1 for anything else.
func criEnd(b []byte) int {
	for _, stream := range []string{" stdout ", " stderr "} {
		if rest, ok := bytes.CutPrefix(b, []byte(stream)); ok && (string(rest) == "F " || string(rest) == "P ") {
			return len(stream)
		}
	}
	return -1
}

// Has reports whether a line has the prefix.
func (p *Prefix) Has(line []byte) bool {
	_, _, ok := p.match(line)
	return ok
}

// Cut returns a line without the prefix. more means that the line continues in the next one of
// the source; ok is false if it has another prefix or none.
func (p *Prefix) Cut(line []byte) (rest []byte, more, ok bool) {
	rest, more, ok = p.match(line)
	if !ok {
		return nil, false, false
	}
	if more {
		if len(p.partial)+len(rest) <= maxLine {
			p.partial = append(p.partial, rest...)
		}
		return nil, true, true
	}
	if len(p.partial) > 0 {
		rest = append(p.partial, rest...)
		p.partial = nil
	}
	return rest, false, true
}

// maxLine bounds a line that is put together from parts.
const maxLine = 64 << 10

func (p *Prefix) match(line []byte) (rest []byte, more, ok bool) {
	for i, part := range p.parts {
		switch part.kind {
		case aTime:
			n := timeLength(line)
			if n == 0 {
				return nil, false, false
			}
			line = line[n:]
		case criTag:
			if len(line) == 0 || line[0] != 'F' && line[0] != 'P' {
				return nil, false, false
			}
			more = line[0] == 'P'
			line = bytes.TrimPrefix(line[1:], []byte(" "))
		case literal:
			switch {
			case bytes.HasPrefix(line, part.text):
				line = line[len(part.text):]
			case i == len(p.parts)-1 && bytes.Equal(line, bytes.TrimRight(part.text, " \t")):
				line = nil // an empty line whose trailing blanks are gone
			default:
				return nil, false, false
			}
		}
	}
	return line, more, true
}

// Text returns the prefix of the first line.
func (p *Prefix) Text() string { return string(p.text) }

// String returns the prefix of the first line, cut for a message.
func (p *Prefix) String() string {
	if len(p.text) > 60 {
		return string(p.text[:60]) + "…"
	}
	return string(p.text)
}

// Name returns the program that writes such prefixes.
func (p *Prefix) Name() string {
	for _, k := range prefixNames {
		if k.is.Match(p.text) {
			return k.name
		}
	}
	return fmt.Sprintf("log whose lines begin with %q", p.String())
}

const rfc3339 = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:?\d\d)`

var prefixNames = []struct {
	is   *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`^\[pod/[^]]+\] ` + rfc3339 + ` $`), "kubectl log with prefixes and timestamps"},
	{regexp.MustCompile(`^\[pod/[^]]+\] $`), "kubectl log with prefixes"},
	{regexp.MustCompile(`^` + rfc3339 + ` (stdout|stderr) [FP] $`), "CRI log"},
	{regexp.MustCompile(`^` + rfc3339 + ` $`), "kubectl log with timestamps"},
	{regexp.MustCompile(`^[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d(\.\d+)? \S+ \S+: $`), "journald log"},
	{regexp.MustCompile(`^(<\d+>\d? ?)?` + rfc3339 + ` .*\S $`), "syslog"},
	{regexp.MustCompile(`^<\d+>`), "syslog"},
	{regexp.MustCompile(`^\S+ +\| $`), "docker compose log"},
}
