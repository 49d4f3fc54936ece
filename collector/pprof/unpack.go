package pprof

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
	"github.com/gorowatch/gorowatch/collector/pprof/dump"
	"github.com/gorowatch/gorowatch/collector/pprof/paste"
	"github.com/gorowatch/gorowatch/collector/pprof/protobuf"
)

// emit receives the records of a profile.
type emit func(*collector.Record) error

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// unpacker reads one profile: it decompresses the input if needed, and lets the decoder of the
// format read the rest.
type unpacker struct {
	lim     Limits
	memory  *bounds.Account
	profile *collector.Profile
	out     emit
}

// read reads a profile as it was sent. nested means that it was compressed.
func (u *unpacker) read(br *bufio.Reader, nested bool) error {
	head, err := br.Peek(2)
	if len(head) == 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return collector.Errorf(collector.ReasonNotProfile, "it is empty, not a profile")
	}
	if !bytes.Equal(head, gzipMagic) {
		if head, _ := br.Peek(len(zstdMagic)); bytes.Equal(head, zstdMagic) && !nested {
			return u.readZstd(br)
		}
		return u.decode(br)
	}
	zr, err := gzip.NewReader(br)
	if err != nil {
		return gzipError(err, 0)
	}
	defer func() { _ = zr.Close() }()
	decoded := &bounds.Reader{Memory: u.memory, R: zr, N: u.lim.Decoded, What: "bytes when decompressed"}
	br = bufio.NewReaderSize(decoded, bounds.BufferSize)
	if head, _ := br.Peek(2); bytes.Equal(head, gzipMagic) && !nested {
		// A proxy, or a tool that stored it, compressed the profile once more.
		err = u.read(br, true)
	} else {
		err = u.decode(br)
	}
	if err == nil {
		// The checksum is at the end.
		_, err = io.Copy(io.Discard, br)
	}
	return gzipError(err, decoded.Done)
}

// decode reads a profile that is not compressed.
func (u *unpacker) decode(br *bufio.Reader) error {
	br, utf16, err := paste.UTF8(br)
	if err != nil {
		return err
	}
	head, err := br.Peek(bounds.BufferSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if name := otherBinary(head); name != "" {
		return collector.Errorf(collector.ReasonNotProfile, "that is %s", name)
	}
	if paste.IsBinary(head) {
		return protobuf.Read(br, u.lim, u.memory, u.profile, u.out)
	}
	if err := dump.Read(br, u.lim, u.memory, u.profile, u.out); err != nil {
		return err
	}
	if utf16 {
		u.profile.ReadAs = strings.TrimSuffix("text in UTF-16; "+u.profile.ReadAs, "; ")
	}
	return nil
}

func gzipError(err error, at int64) error {
	var corrupt flate.CorruptInputError
	switch {
	case err == nil, errors.As(err, new(*collector.Error)):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return collector.Errorf(collector.ReasonTruncated, "the gzip stream ends early, after %d decompressed bytes", at)
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return collector.Errorf(collector.ReasonBadData, "damaged after %d decompressed bytes: %w", at, err)
	}
	return fmt.Errorf("after %d decompressed bytes: %w", at, err)
}

// otherBinary names a file that holds something else, and says what to do. It is empty if the
// file may be a profile.
func otherBinary(head []byte) string {
	for _, o := range []struct{ lead, name string }{
		{"PK\x03\x04", "a .zip archive; unpack it and use a profile inside"},
		{"PK\x05\x06", "an empty .zip archive"},
		{string(zstdMagic), "compressed more than once"},
		{"\xfd7zXZ\x00", "compressed with xz; decompress it first: xz -d FILE"},
		{"BZh91AY&SY", "compressed with bzip2; decompress it first: bzip2 -d FILE"},
		{"\x04\x22\x4d\x18", "compressed with lz4; decompress it first: lz4 -d FILE"},
		{"7z\xbc\xaf\x27\x1c", "a .7z archive; unpack it and use a profile inside"},
		{"\x7fELF", "a program or a core dump, not a goroutine profile"},
		{"%PDF-", "a PDF document; use the text of the dump itself"},
	} {
		if bytes.HasPrefix(head, []byte(o.lead)) {
			return o.name
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "a .tar archive; unpack it (tar -xf FILE) and use a profile inside"
	}
	if len(head) > 16 && bytes.HasPrefix(head, []byte("go 1.")) && bytes.Contains(head[:16], []byte(" trace\x00")) {
		return "an execution trace of Go, not a goroutine profile; use /debug/pprof/goroutine"
	}
	return ""
}
