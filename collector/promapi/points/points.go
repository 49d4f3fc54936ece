package points

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Point is a value at a time in Unix milliseconds.
type Point struct {
	T int64 // Unix milliseconds
	V float64
}

// maxSeconds bounds times, so that they fit into milliseconds.
const maxSeconds = 1e12

// Append reads [[1700000000.123,"42"],…], which is valid JSON.
func Append(to []Point, text []byte) ([]Point, error) {
	rest := remainder(text)
	if !rest.skip('[') || rest.skip(']') {
		return to, nil // no points, or of another kind
	}
	for {
		p, n := integerPoint(rest)
		if n == 0 {
			var err error
			if p, err = rest.point(); err != nil {
				return to, err
			}
		}
		rest = rest[n:]
		to = append(to, p)
		if !rest.skip(',') {
			return to, nil
		}
	}
}

// remainder is the part of a text that has not been read yet.
type remainder []byte

// point reads [1700000000.123,"42"].
func (u *remainder) point() (p Point, err error) {
	was := *u
	ok := u.skip('[')
	seconds, err := strconv.ParseFloat(string(bytes.TrimSpace(u.until(','))), 64)
	if ok = ok && isNumber(err) && u.skip('"'); math.Abs(seconds) < maxSeconds {
		p.T = int64(math.Round(seconds * 1000))
	} else {
		p.T = math.MinInt64 // in no window
	}
	p.V, err = strconv.ParseFloat(string(u.until('"')), 64)
	if !ok || !isNumber(err) || !u.skip(']') {
		return p, fmt.Errorf("%.60q is not a point [time, \"value\"]", was)
	}
	return p, nil
}

// isNumber reports whether the parsed text was a number, even one that is too large.
func isNumber(err error) bool { return err == nil || errors.Is(err, strconv.ErrRange) }

// skip skips b, and white space before it, if b comes next.
func (u *remainder) skip(b byte) bool {
	if t := *u; len(t) > 0 && t[0] == b {
		*u = t[1:]
		return true
	}
	t := bytes.TrimLeft(*u, " \t\r\n")
	if len(t) == 0 || t[0] != b {
		return false
	}
	*u = t[1:]
	return true
}

// until returns the text up to an end and skips the end.
func (u *remainder) until(end byte) []byte {
	before, after, _ := bytes.Cut(*u, []byte{end})
	*u = after
	return before
}

// integerPoint reads a point of whole numbers at the start of a text, such as a count at an
// aligned time. It returns the length, 0 for any other point. It makes reading a long history
// fast.
func integerPoint(text []byte) (p Point, n int) {
	const digits = 15 // fit into an int64 and a float64
	if len(text) == 0 || text[0] != '[' {
		return p, 0
	}
	i := 1
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		p.T = p.T*10 + int64(text[i]-'0')
	}
	if i == 1 || i > 1+digits || i+1 >= len(text) || text[i] != ',' || text[i+1] != '"' {
		return p, 0
	}
	i += 2
	first, v := i, int64(0)
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		v = v*10 + int64(text[i]-'0')
	}
	if i == first || i > first+digits || i+1 >= len(text) || text[i] != '"' || text[i+1] != ']' {
		return p, 0
	}
	p.T, p.V = p.T*1000, float64(v)
	return p, i + 2
}
