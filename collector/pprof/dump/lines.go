package dump

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lines reads a text line by line. A line that does not fit into the reader's buffer is cut,
// because what matters is at its beginning.
type lines struct {
	br   *bufio.Reader
	n    int   // number of the line read last, from 1
	size int64 // bytes read, without the "\r" that ends a line
	last byte  // last byte of the text so far
	// rewrite turns a line into the text of a dump, which may be several lines; ok is false for
	// a line that does not belong to it. It is called with nil at the end. Nil: lines stay as
	// they are.
	rewrite func(line []byte) (text []byte, ok bool)
	queue   []byte // result of rewrite, not read yet
	ended   bool   // rewrite was called at the end
	// tolerant turns off the fast path, so that readers look at each line.
	tolerant bool
}

// next returns the next line without its end, valid until the next call, and io.EOF after the
// last one.
func (l *lines) next() ([]byte, error) {
	if l.rewrite == nil {
		return l.read()
	}
	for {
		if len(l.queue) > 0 {
			line, n := cutLine(l.queue)
			if n == 0 {
				line, n = l.queue, len(l.queue)
			}
			l.queue = l.queue[n:]
			l.size += int64(len(line)) + 1
			return line, nil
		}
		if l.ended {
			return nil, io.EOF
		}
		size := l.size
		line, err := l.read()
		l.size = size // the rewritten text counts
		switch {
		case errors.Is(err, io.EOF):
			line, l.ended = nil, true
		case err != nil:
			return nil, err
		case line == nil:
			line = []byte{}
		}
		text, ok := l.rewrite(line)
		if ok && bytes.IndexByte(text, '\n') < 0 {
			l.size += int64(len(text)) + 1
			return text, nil
		}
		if ok {
			l.queue = text
		}
	}
}

// read returns the next line unchanged.
func (l *lines) read() ([]byte, error) {
	line, err := l.br.ReadSlice('\n')
	if len(line) == 0 {
		return nil, err
	}
	l.n++
	l.size += int64(len(line))
	l.last = line[len(line)-1]
	if err == nil {
		line = line[: len(line)-1 : len(line)-1]
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
			l.size--
		}
		return line, nil
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		line = bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			var rest []byte
			rest, err = l.br.ReadSlice('\n')
			l.size += int64(len(rest))
			if len(rest) > 0 {
				l.last = rest[len(rest)-1]
			}
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return line, err
}

// cutLine returns the first line of a text, without its end, and its length with it; 0 if the
// text has no line end.
func cutLine(text []byte) (line []byte, n int) {
	i := bytes.IndexByte(text, '\n')
	if i < 0 {
		return nil, 0
	}
	return text[:i], i + 1
}
