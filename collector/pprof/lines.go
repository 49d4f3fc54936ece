package pprof

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/gorowatch/gorowatch/collector"
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

// interner keeps one copy of each string and of each frame.
type interner struct {
	strs   map[string]string
	frames map[collector.Frame]*collector.Frame
	memory *account
}

// Sizes of entries of the maps, by estimate.
const (
	internedStringSize = 48
	internedFrameSize  = 110
)

func newInterner() interner {
	return interner{strs: map[string]string{}, frames: map[collector.Frame]*collector.Frame{}}
}

func (in interner) str(b []byte) string {
	if s, ok := in.strs[string(b)]; ok {
		return s
	}
	s := string(b)
	in.strs[s] = s
	_ = in.memory.charge(len(s) + internedStringSize)
	return s
}

func (in interner) frame(f collector.Frame) *collector.Frame {
	kept := in.frames[f]
	if kept == nil {
		kept = &f
		in.frames[f] = kept
		_ = in.memory.charge(internedFrameSize)
	}
	return kept
}
