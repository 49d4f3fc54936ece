package paste

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
)

// KeyAt returns the key of the string in a JSON object that has byte at of the line.
func KeyAt(line []byte, at int) (key string, ok bool) {
	eachString(line, func(k, value []byte, from int) bool {
		if at > from && at < from+len(value) {
			ok = json.Unmarshal(k, &key) == nil
			return false
		}
		return true
	})
	return key, ok
}

// eachString calls f for the keys of a JSON object whose values are strings, with both as
// written and the offset of the value, until f returns false. It stops at anything that is no
// object.
func eachString(line []byte, f func(key, value []byte, from int) bool) {
	i := blankEnd(line, 0)
	if i >= len(line) || line[i] != '{' {
		return
	}
	for i++; ; i++ {
		i = blankEnd(line, i)
		keyEnd := stringEnd(line, i)
		if keyEnd < 0 {
			return
		}
		key := line[i:keyEnd]
		if i = blankEnd(line, keyEnd); i >= len(line) || line[i] != ':' {
			return
		}
		i = blankEnd(line, i+1)
		from := i
		if i = valueEnd(line, i); i < 0 {
			// A line that was cut may still have the value looked for.
			if from < len(line) && line[from] == '"' {
				f(key, line[from:], from)
			}
			return
		}
		if line[from] == '"' && !f(key, line[from:i], from) {
			return
		}
		if i = blankEnd(line, i); i >= len(line) || line[i] != ',' {
			return
		}
	}
}

func blankEnd(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}

// stringEnd returns the end of the string that begins at i, -1 if there is none.
func stringEnd(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// valueEnd returns the end of the value that begins at i, -1 if it has none.
func valueEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = stringEnd(b, i); i < 0 {
				return -1
			}
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return -1
}

// Lines reads a log with a JSON object a line, and returns the text under one key. Lines
// without it are returned unchanged.
type Lines struct {
	br  *bufio.Reader
	key []byte
	out []byte
	// Count is the number of lines that had the key.
	Count int
	open  bool // the last text has no line end
}

// NewLines reads the text under a key. The reader's buffer bounds a line.
func NewLines(br *bufio.Reader, key string) *Lines {
	quoted, _ := json.Marshal(key)
	return &Lines{br: br, key: quoted}
}

func (l *Lines) Read(p []byte) (int, error) {
	for len(l.out) == 0 {
		line, err := l.br.ReadSlice('\n')
		cut := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) && len(line) > 0 {
			line = bytes.Clone(line)
			_, err = l.br.ReadSlice('\n')
		}
		if len(line) == 0 {
			return 0, err
		}
		l.out = l.text(line, cut)
	}
	n := copy(p, l.out)
	l.out = l.out[n:]
	return n, nil
}

// text returns the dump's text in a line. In Docker's own logs, a missing line end means that
// the line continues in the next one; other logs never have a line end.
func (l *Lines) text(line []byte, cut bool) []byte {
	var value string
	found := false
	eachString(line, func(key, v []byte, _ int) bool {
		if !bytes.Equal(key, l.key) {
			return true
		}
		found = json.Unmarshal(v, &value) == nil
		return false
	})
	if !found {
		if l.open {
			line = append([]byte{'\n'}, line...)
		}
		l.open = false
		return line
	}
	l.Count++
	l.open = value == "" || value[len(value)-1] != '\n'
	if l.open && (cut || string(l.key) != `"log"`) {
		value, l.open = value+"\n", false
	}
	return []byte(value)
}

// Unescaper undoes the escapes of a string in JSON or in Go that holds several lines. A quote,
// which ends the string, and the line end of the log end a line that is not empty.
type Unescaper struct {
	br   *bufio.Reader
	last byte   // given
	rest string // of an escape, not returned yet
	in   bool   // a string
	// Cut means that the string has no end.
	Cut bool
}

// NewUnescaper reads escaped text from br, which is within a string.
func NewUnescaper(br *bufio.Reader) *Unescaper { return &Unescaper{br: br, last: '\n', in: true} }

func (u *Unescaper) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(u.rest) > 0 {
			m := copy(p[n:], u.rest)
			n, u.rest, u.last = n+m, u.rest[m:], u.rest[m-1]
			continue
		}
		if n > 0 && u.br.Buffered() == 0 {
			return n, nil
		}
		c, err := u.br.ReadByte()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			u.Cut = u.Cut || u.in
			return 0, err
		}
		switch c {
		case '"':
			u.in = !u.in
		case '\n': // which no string contains
			u.Cut = u.Cut || u.in
			u.in = false
		}
		switch {
		case c == '\\':
			u.rest = u.escape()
		case c != '"' && c != '\n':
			p[n], u.last = c, c
			n++
		case u.last != '\n':
			p[n], u.last = '\n', '\n'
			n++
		}
	}
	return n, nil
}

// escape returns the character for what follows a backslash. An unknown escape stays.
func (u *Unescaper) escape() string {
	c, err := u.br.ReadByte()
	if err != nil {
		return `\`
	}
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return ""
	case '"', '\\', '/':
		return string(rune(c))
	case 'u':
		hex, err := u.br.Peek(4)
		var r rune
		if err == nil && json.Unmarshal([]byte(`"\u`+string(hex)+`"`), new(string)) == nil {
			for _, h := range hex {
				r = r<<4 | rune(unhex(h))
			}
			_, _ = u.br.Discard(4)
			return string(r)
		}
	}
	return `\` + string(rune(c))
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
