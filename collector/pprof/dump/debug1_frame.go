package dump

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/gorowatch/gorowatch/collector"
)

// debug1Frame reads "#\t0xPC\tNAME+0xOFF\t\tFILE:LINE". The tabs may be any blanks, or gone: no
// name has "+0x" in it, and the address is one of the record's. If the runtime knows no name,
// there is only the address, and the frame is empty. whole means that the line is not cut.
func debug1Frame(line, addresses []byte, names interner) (f collector.Frame, whole bool) {
	b := line[1:]
	for _, s := range tabSpellings {
		if bytes.HasPrefix(b, s) {
			b = bytes.ReplaceAll(b, s, []byte("\t"))
		}
	}
	b = trimLeft(b)
	if bytes.HasPrefix(b, []byte("0x")) {
		i := endOfAddress(b, addresses)
		if i == len(b) {
			return f, i > 2
		}
		b = trimLeft(b[i:])
	}
	name, at := splitOffset(b)
	if len(name) == 0 {
		return f, false
	}
	f.Func = names.str(name)
	if len(at) > 0 {
		f.File, f.Line = fileLine(at, names)
	}
	return f, f.Line > 0
}

// endOfAddress returns the end of the address at the start of b. Without a blank after it, it
// is the longest of the record's addresses that fits, or the one before it, as for a call.
func endOfAddress(b, addresses []byte) int {
	end := 2
	for end < len(b) && isHex(b[end]) {
		end++
	}
	if end == len(b) || bytes.IndexByte([]byte(blanks), b[end]) >= 0 {
		return end
	}
	for n := min(end, 18); n > 2; n-- {
		v, err := strconv.ParseUint(string(b[2:n]), 16, 64)
		if err != nil {
			continue
		}
		for _, a := range []uint64{v, v + 1} {
			if bytes.Contains(addresses, fmt.Appendf(nil, " 0x%x ", a)) {
				return n
			}
		}
	}
	// None fits, so it is as long as they are.
	if first, _, ok := bytes.Cut(trimLeft(addresses), []byte(" ")); ok && bytes.HasPrefix(first, []byte("0x")) {
		return min(end, len(first))
	}
	return end
}

// splitOffset splits "NAME+0xOFF FILE:LINE".
func splitOffset(b []byte) (name, at []byte) {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte("+0x"))
		if i < 0 {
			break
		}
		i += from
		end := i + 3
		for end < len(b) && isHex(b[end]) {
			end++
		}
		if end > i+3 && (end == len(b) || bytes.IndexByte([]byte(blanks), b[end]) >= 0 || bytes.IndexAny(b[:i], blanks) < 0) {
			return trimRight(b[:i]), trimLeft(b[end:])
		}
		from = i + 3
	}
	// An offset is missing: the name ends at the first tab, or else blank.
	i := bytes.IndexByte(b, '\t')
	if i < 0 {
		i = bytes.IndexByte(b, ' ')
	}
	if i < 0 {
		return b, nil
	}
	return trimRight(b[:i]), trimLeft(b[i:])
}

// countHex counts the hexadecimal digits at the start of a text.
func countHex(b []byte) (n int) {
	for n < len(b) && isHex(b[n]) {
		n++
	}
	return n
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

// fileLine splits "FILE:LINE". The file may have colons.
func fileLine(b []byte, names interner) (string, int) {
	i := bytes.LastIndexByte(b, ':')
	if i < 0 {
		return names.str(b), 0
	}
	n := 0
	for _, c := range b[i+1:] {
		if c < '0' || c > '9' || n > 1<<30 {
			return names.str(b), 0
		}
		n = n*10 + int(c-'0')
	}
	return names.str(b[:i]), n
}

// isUnmarked reports whether a line is a frame, or labels, without its "#".
func isUnmarked(line []byte) bool {
	if bytes.HasPrefix(line, []byte("labels: {")) {
		return true
	}
	if !bytes.HasPrefix(line, []byte("0x")) {
		return false
	}
	i := 2 + countHex(line[2:])
	return i > 2 && (i == len(line) || isBlank(line[i]) || bytes.Contains(line[i:], []byte("+0x")))
}
