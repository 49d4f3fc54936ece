package dump

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lines reads a text line by line. A line that does not fit into the
// reader's buffer is cut: what matters stands at its beginning.
type lines struct {
	br   *bufio.Reader
	n    int   // number of the line read last, from 1
	size int64 // bytes read, without the "\r" that ends a line
	last byte  // last byte of the text so far
	// tolerant tells readers to look at each line, without a fast path.
	tolerant bool
}

// next is the next line without its end, valid until the next call, and
// io.EOF after the last one.
func (l *lines) next() ([]byte, error) {
	line, err := l.br.ReadSlice('\n')
	if len(line) == 0 {
		return nil, err
	}
	l.n++
	l.size += int64(len(line))
	l.last = line[len(line)-1]
	if err == nil {
		line = line[:len(line)-1]
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

// cutLine is the first line of a text, without its end, and its length with it; 0
// if the text has no end of a line.
func cutLine(text []byte) (line []byte, n int) {
	i := bytes.IndexByte(text, '\n')
	if i < 0 {
		return nil, 0
	}
	return text[:i], i + 1
}
