package paste

import (
	"bytes"
	"strconv"
)

// Delve rewrites the list that the debugger delve prints for "goroutines" and for "goroutines
// -t" as a dump. Without -t there is one frame of each goroutine.
//
//	  Goroutine 18 - User: /src/handler.go:29 main.logHandler.func1 (0x4a1b2c) [chan send]
//		0  0x00000000004389ea in runtime.gopark
//		   at /usr/local/go/src/runtime/proc.go:381
type Delve struct {
	// Frames means that the list has stacks.
	Frames bool
	// Said is the number of goroutines that its last line says, -1 if it has none, and
	// Count how many there are.
	Said, Count int

	frame []byte // of the last goroutine, in case no stack follows
	out   []byte
}

// NewDelve makes a Delve.
func NewDelve() *Delve { return &Delve{Said: -1} }

// IsDelve reports whether a line is a goroutine of the list.
func IsDelve(line []byte) bool {
	_, _, ok := delveGoroutine(line)
	return ok
}

func delveGoroutine(line []byte) (id, rest []byte, ok bool) {
	line = bytes.TrimLeft(line, "* \t")
	line, ok = bytes.CutPrefix(line, []byte("Goroutine "))
	n := digits(line)
	if !ok || n == 0 {
		return nil, nil, false
	}
	id = line[:n]
	line, ok = bytes.CutPrefix(line[n:], []byte(" - "))
	if !ok {
		return nil, nil, false
	}
	word, rest, ok := bytes.Cut(line, []byte(": "))
	return id, rest, ok && len(word) > 0 && bytes.IndexByte(word, ' ') < 0
}

// Line rewrites a line. Its result is valid until the next call. A nil line ends the list and
// returns the rest.
func (d *Delve) Line(line []byte) (text []byte, ok bool) {
	d.out = d.out[:0]
	if id, rest, ok := delveGoroutine(line); ok {
		d.flush()
		d.Count++
		d.goroutine(id, rest)
		return d.out, true
	}
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		d.flush()
		return d.out, len(d.out) > 0
	}
	if n := digits(line); n > 0 {
		rest := bytes.TrimLeft(line[n:], " ")
		if _, function, ok := bytes.Cut(rest, []byte(" in ")); ok && bytes.HasPrefix(rest, []byte("0x")) {
			d.frame, d.Frames = d.frame[:0], true
			d.out = append(append(d.out, function...), "(...)"...)
			return d.out, true
		}
	}
	if place, ok := bytes.CutPrefix(line, []byte("at ")); ok {
		d.out = append(append(d.out, '\t'), place...)
		return d.out, true
	}
	if string(line) == "(truncated)" { // cut at the requested depth
		return nil, false
	}
	if count, ok := bytes.CutSuffix(line, []byte(" goroutines]")); ok && count[0] == '[' {
		if n, err := strconv.Atoi(string(count[1:])); err == nil {
			d.Said = n
		}
		d.flush()
		return d.out, len(d.out) > 0
	}
	d.flush()
	d.out = append(append(d.out, line...), '\n')
	return d.out[:len(d.out)-1], true
}

// flush writes the one frame of the last goroutine.
func (d *Delve) flush() {
	d.out = append(d.out, d.frame...)
	d.frame = d.frame[:0]
}

// goroutine writes the header of a goroutine and keeps its frame: "FILE:LINE FUNCTION
// (0xADDRESS) [REASON SINCE]".
func (d *Delve) goroutine(id, rest []byte) {
	state := []byte("waiting")
	place := rest
	if at := bytes.LastIndex(rest, []byte(" (0x")); at >= 0 {
		place, rest = rest[:at], rest[at:]
		if bytes.Contains(rest, []byte(" (thread ")) {
			state = []byte("running")
		}
		if from := bytes.IndexByte(rest, '['); from >= 0 && rest[len(rest)-1] == ']' {
			state = rest[from+1 : len(rest)-1]
			if i := bytes.LastIndexByte(state, ' '); i > 0 && digits(state[i+1:]) == len(state)-i-1 {
				state = state[:i]
			}
		}
	}
	d.out = append(d.out, "goroutine "...)
	d.out = append(append(append(append(d.out, id...), " ["...), state...), "]:\n"...)
	if i := bytes.LastIndexByte(place, ' '); i > 0 && i < len(place)-1 {
		d.frame = append(append(d.frame[:0], place[i+1:]...), "(...)\n\t"...)
		d.frame = append(append(d.frame, place[:i]...), '\n')
	}
}
