package paste

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// ByteOrderMark is how some editors begin a text in UTF-8.
var ByteOrderMark = []byte("\xef\xbb\xbf")

var (
	utf16LEBOM = []byte("\xff\xfe")
	utf16BEBOM = []byte("\xfe\xff")
	utf32LEBOM = []byte("\xff\xfe\x00\x00")
	utf32BEBOM = []byte("\x00\x00\xfe\xff")
)

// UTF8 returns a reader of the same text in UTF-8 with lines that end in "\n". Shells and
// editors, PowerShell above all, save dumps in UTF-16 or with a byte order mark. Binary data is
// passed through. utf16 reports whether the text was in UTF-16.
func UTF8(br *bufio.Reader) (text *bufio.Reader, utf16 bool, err error) {
	head, err := br.Peek(bounds.BufferSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	start := head[:min(len(head), 512)]
	switch {
	case bytes.HasPrefix(start, utf32LEBOM), bytes.HasPrefix(start, utf32BEBOM):
		return nil, false, collector.Errorf(collector.ReasonNotProfile, "that is text in UTF-32, which cannot be read; save it as UTF-8")
	case bytes.HasPrefix(start, ByteOrderMark):
		_, _ = br.Discard(len(ByteOrderMark))
		head = head[len(ByteOrderMark):]
	case bytes.HasPrefix(start, utf16LEBOM), bytes.HasPrefix(start, utf16BEBOM):
		little := start[0] == 0xff
		_, _ = br.Discard(2)
		text, err = fromUTF16(br, order(little))
		return text, true, err
	case likelyUTF16(start, 0):
		text, err = fromUTF16(br, binary.BigEndian)
		return text, true, err
	case likelyUTF16(start, 1):
		text, err = fromUTF16(br, binary.LittleEndian)
		return text, true, err
	}
	return endLines(br, head), false, nil
}

// endLines replaces line ends of "\r" alone by "\n".
func endLines(br *bufio.Reader, head []byte) *bufio.Reader {
	if bytes.IndexByte(head, '\n') >= 0 || bytes.IndexByte(head, '\r') < 0 || IsBinary(head) {
		return br
	}
	return bufio.NewReaderSize(&crReader{br}, bounds.BufferSize)
}

func order(little bool) binary.ByteOrder {
	if little {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

// likelyUTF16 reports whether head is UTF-16 without a byte order mark: the first
// characters and nearly all others are ASCII, so the bytes at odd or at even places
// are zero, and no others are. A protocol buffer, which may have many empty strings,
// begins with the length of a message.
func likelyUTF16(head []byte, zeroAt int) bool {
	pairs := len(head) / 2
	if pairs < 8 {
		return false
	}
	zeros := 0
	for i := range pairs {
		if head[2*i+1-zeroAt] == 0 {
			return false
		}
		if head[2*i+zeroAt] == 0 {
			zeros++
		} else if i < 2 {
			return false
		}
	}
	return zeros*10 >= pairs*8
}

func fromUTF16(br *bufio.Reader, order binary.ByteOrder) (*bufio.Reader, error) {
	br = bufio.NewReaderSize(&utf16Reader{r: br, order: order}, bounds.BufferSize)
	head, err := br.Peek(bounds.BufferSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return endLines(br, head), nil
}

// utf16Reader reads UTF-16 as UTF-8. Invalid input becomes U+FFFD.
type utf16Reader struct {
	r     io.Reader
	order binary.ByteOrder
	in    [4096]byte
	n     int    // bytes in in that are not decoded yet
	buf   []byte // of out
	out   []byte // decoded, not read yet
	err   error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		var n int
		n, u.err = u.r.Read(u.in[u.n:])
		u.n += n
		u.decode()
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

// decode decodes all whole characters, and the rest at the end of the text.
func (u *utf16Reader) decode() {
	u.buf = u.buf[:0]
	i := 0
	for ; i+2 <= u.n; i += 2 {
		r := rune(u.order.Uint16(u.in[i:]))
		if utf16.IsSurrogate(r) {
			if i+4 > u.n && u.err == nil {
				break
			}
			pair := rune(utf8.RuneError)
			if i+4 <= u.n {
				pair = utf16.DecodeRune(r, rune(u.order.Uint16(u.in[i+2:])))
			}
			if r = pair; r != utf8.RuneError {
				i += 2
			}
		}
		u.buf = utf8.AppendRune(u.buf, r)
	}
	if u.err != nil && i < u.n {
		u.buf = utf8.AppendRune(u.buf, utf8.RuneError)
		i = u.n
	}
	u.n = copy(u.in[:], u.in[i:u.n])
	u.out = u.buf
}

// crReader replaces line ends of "\r" alone by "\n".
type crReader struct{ r io.Reader }

func (c *crReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// IsBinary reports whether data is a protocol buffer, which has field tags and lengths among
// its first bytes; no text has.
func IsBinary(head []byte) bool {
	for _, c := range head[:min(len(head), 512)] {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\f' && c != 0x1b {
			return true
		}
	}
	return false
}
