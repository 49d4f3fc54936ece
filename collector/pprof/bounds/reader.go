package bounds

import (
	"errors"
	"io"

	"github.com/gorowatch/gorowatch/collector"
)

// Reader fails on the byte after the n-th instead of ending there, so that a text that is too
// long does not look like a shorter one. It also fails when the account does.
type Reader struct {
	Memory *Account
	R      io.Reader
	N      int64  // bytes
	What   string // what the bytes are, for a message
	Done   int64  // bytes read
	Ended  bool   // R is at its end
}

func (l *Reader) Read(p []byte) (int, error) {
	if err := l.Memory.Check(); err != nil {
		return 0, err
	}
	if int64(len(p)) > l.N-l.Done+1 {
		p = p[:l.N-l.Done+1]
	}
	n, err := l.R.Read(p)
	l.Done += int64(n)
	l.Ended = l.Ended || errors.Is(err, io.EOF)
	if l.Done > l.N {
		return 0, collector.Errorf(collector.ReasonTooLarge, "more than %d %s", l.N, l.What)
	}
	return n, err
}
