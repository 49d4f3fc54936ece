package bounds

import (
	"errors"
	"io"

	"github.com/gorowatch/gorowatch/collector"
)

// Reader fails on the byte after the n-th rather than ending there, so
// that what is too long is not taken for something shorter. It fails with the
// account, too.
type Reader struct {
	Memory *Account
	R      io.Reader
	N      int64  // bytes
	What   string // they are, for a message
	Done   int64  // bytes read
	Ended  bool   // R has no more
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
