package dump

import (
	"bytes"
	"fmt"
)

// joined appends a line to the one before it, which was not understood: terminals and mailers
// break long lines.
func (d *dump) joined(line []byte) []byte {
	d.join = append(append(d.join[:0], d.half...), line...)
	return d.join
}

// dropHalf drops the line before, whose rest did not come.
func (d *dump) dropHalf() {
	if len(d.half) > 0 && d.halfFile && d.missing == "" {
		d.missing = fmt.Sprintf("line %d, %q: a part is missing there, so there may be more goroutines than counted", d.halfAt, FirstLine(d.half))
	}
	if len(d.half) > 0 && !bytes.HasSuffix(d.half, []byte("frames elided...")) {
		d.ignored++
	}
	d.half = d.half[:0]
}

// isPath reports whether b starts an absolute path.
func isPath(b []byte) bool {
	return b[0] == '/' || len(b) > 2 && b[1] == ':' && (b[2] == '/' || b[2] == '\\')
}

// noteGap remembers the first line that shows that a part of the text is missing, such as
// "[truncated]".
func (d *dump) noteGap(line []byte) {
	if d.missing != "" {
		return
	}
	switch line[0] {
	case '.', '[', '(', '<', '-', 0xe2: // the last begins "…"
	default:
		return
	}
	lost := false
	for _, lead := range []string{"[...", "...", "[…", "…", "(...", "<snip", "[snip", "--snip", "[truncated", "(truncated", "[omitted", "(omitted", "[cut", "(cut", "[skipped", "(skipped"} {
		lost = lost || bytes.HasPrefix(line, []byte(lead)) && !bytes.HasSuffix(line, []byte("frames elided...")) && line[len(line)-1] != '}'
	}
	if lost {
		d.missing = fmt.Sprintf("line %d, %q: a part is missing there, so there may be more goroutines than counted", d.in.n, FirstLine(line))
	}
}

// emptyLine ends a goroutine, unless every line is followed by one: some terminals and web
// pages double the line ends.
func (d *dump) emptyLine() error {
	if d.in.last != '\n' {
		return nil // the text ends within a line
	}
	again := d.gap
	d.gap = true
	if !d.open || d.frames == 0 || d.pending > 0 || d.spaced && !again {
		return nil
	}
	return d.close()
}

// loseFrame drops a function whose file did not come.
func (d *dump) loseFrame() {
	if d.pending > 0 && !d.doubtful && d.missing == "" {
		d.missing = fmt.Sprintf("line %d: a frame of goroutine %d has no file: a part is missing there, so there may be more goroutines than counted", d.in.n, d.id)
	}
	d.dropPending()
}

func (d *dump) dropPending() {
	d.key = d.key[:len(d.key)-d.pending]
	d.pending = 0
}
