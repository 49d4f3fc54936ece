package dump

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// tabSpellings are how loggers and terminals spell a tab that they do not print.
var tabSpellings = [][]byte{[]byte("#011"), []byte(`\t`), []byte(`\011`), []byte("^I")}

// trimLine cuts the blanks around a line, and the control characters and marks of terminals,
// browsers and editors. lead is the width of what was cut before it, with spelled-out tabs. The
// line may be changed in place.
func trimLine(line []byte) (text []byte, lead int) {
	if !isPlain(line) {
		line = plainLine(line)
	}
	n := len(line)
	text = trimLeft(line)
	for len(text) > 0 && (text[0] == '#' || text[0] == '\\' || text[0] == '^') {
		before := len(text)
		for _, s := range tabSpellings {
			text = trimLeft(bytes.TrimPrefix(text, s))
		}
		if len(text) == before {
			break
		}
	}
	lead = n - len(text)
	text = trimRight(text)
	if n := len(text); n >= 2 && (text[n-1] == 'M' || text[n-1] == '5') { // "\r", spelled out
		text = trimRight(bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("#015")), []byte("^M")))
	}
	return text, lead
}

// isPlain reports whether a line is ASCII without the control sequences of terminals. It looks
// at eight bytes at once: an escape is a zero in them once they are compared with eight
// escapes, and subtracting one turns on the highest bit of a zero.
func isPlain(line []byte) bool {
	const ones, high, escapes = 0x0101010101010101, 0x8080808080808080, 0x1b1b1b1b1b1b1b1b
	for ; len(line) >= 8; line = line[8:] {
		b := binary.LittleEndian.Uint64(line)
		if (b|((b^escapes)-ones))&high != 0 {
			return false
		}
	}
	for _, c := range line {
		if c >= utf8.RuneSelf || c == 0x1b {
			return false
		}
	}
	return true
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' && c != '\n' }

func trimLeft(b []byte) []byte {
	for len(b) > 0 && isBlank(b[0]) {
		b = b[1:]
	}
	return b
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

const blanks = " \t\r\v\f"

// plainLine replaces all kinds of spaces by blanks, in place, and removes what has no width:
// byte order marks, zero-width spaces and terminal colours.
func plainLine(line []byte) []byte {
	out := line[:0]
	for i := 0; i < len(line); {
		c := line[i]
		if c == 0x1b {
			i = endOfEscape(line, i)
			continue
		}
		r, n := utf8.DecodeRune(line[i:])
		switch r {
		case 0xa0, 0x2002, 0x2003, 0x2007, 0x2009, 0x202f, 0x3000:
			out = append(out, ' ')
		case 0xfeff, 0x200b, 0x200c, 0x200d, 0x2060:
		case utf8.RuneError:
			if c == 0xa0 && n == 1 { // Latin-1's
				c = ' '
			}
			out = append(append(out, c), line[i+1:i+n]...)
		default:
			out = append(out, line[i:i+n]...)
		}
		i += n
	}
	return out
}

// endOfEscape returns the end of the control sequence of a terminal that begins at i:
// "\x1b[1;31m".
func endOfEscape(line []byte, i int) int {
	i++
	if i >= len(line) || line[i] != '[' {
		return i
	}
	for i++; i < len(line); i++ {
		if c := line[i]; c >= 0x40 && c <= 0x7e {
			return i + 1
		}
	}
	return i
}
