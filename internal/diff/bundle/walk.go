package bundle

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Bounds of an archive.
const (
	maxMembers = 20_000
	maxBytes   = 2 << 30 // of all members, decompressed
	maxWindow  = 32 << 20
)

// errStop ends a walk early.
var errStop = errors.New("stop")

// visit is called for each member that is a file.
type visit func(name string, modified time.Time, r io.Reader) error

// kind is the kind of a file.
type kind int

const (
	noArchive kind = iota
	zipArchive
	tarArchive
	tarGzip
	tarZstd
)

// kindOf recognises archives by their beginning.
func kindOf(f *os.File) (k kind, err error) {
	defer func() {
		if _, e := f.Seek(0, io.SeekStart); err == nil {
			err = e
		}
	}()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return noArchive, err
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return zipArchive, nil
	case isTar(head):
		return tarArchive, nil
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		k = tarGzip
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		k = tarZstd
	default:
		return noArchive, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return noArchive, err
	}
	r, done, err := decompress(k, f)
	if err != nil {
		return noArchive, nil // the reader of a profile explains what is wrong
	}
	defer done()
	n, _ = io.ReadFull(r, head[:cap(head)])
	if isTar(head[:n]) {
		return k, nil
	}
	return noArchive, nil
}

func isTar(head []byte) bool { return len(head) >= 262 && string(head[257:262]) == "ustar" }

// decompress returns the tar archive in a compressed one.
func decompress(k kind, r io.Reader) (tar io.Reader, done func(), err error) {
	br := bufio.NewReader(r)
	switch k {
	case tarGzip:
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, nil, err
		}
		return zr, func() { _ = zr.Close() }, nil
	case tarZstd:
		zr, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return zr, zr.Close, nil
	}
	return br, func() {}, nil
}

// walk visits the members of an archive, of at most that many bytes in all.
func walk(f *os.File, k kind, most int64, v visit) error {
	w := walker{visit: v, left: most}
	var err error
	if k == zipArchive {
		err = w.zip(f)
	} else {
		err = w.tar(f, k)
	}
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

type walker struct {
	visit   visit
	members int
	left    int64
}

// errTooLarge ends reading.
var errTooLarge = fmt.Errorf("its members have more than %d GiB, like a decompression bomb; unpack it and use the profile itself", maxBytes>>30)

// bounded counts its bytes against the rest of the bound.
type bounded struct {
	*walker
	r io.Reader
}

func (b bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func (w *walker) next() error {
	if w.members++; w.members > maxMembers {
		return fmt.Errorf("it has more than %d members; unpack it and use the profile itself", maxMembers)
	}
	return nil
}

func (w *walker) zip(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	zr, err := zip.NewReader(f, info.Size())
	if err != nil {
		return err
	}
	for _, m := range zr.File {
		if err := w.next(); err != nil {
			return err
		}
		if !m.Mode().IsRegular() {
			continue
		}
		r, err := m.Open()
		if err != nil {
			err = w.visit(m.Name, m.Modified, failing{err})
		} else {
			err = w.visit(m.Name, m.Modified, bounded{w, r})
			_ = r.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// failing is a member that cannot be opened.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (w *walker) tar(f *os.File, k kind) error {
	r, done, err := decompress(k, f)
	if err != nil {
		return err
	}
	defer done()
	tr := tar.NewReader(bounded{w, r})
	for {
		if err := w.next(); err != nil {
			return err
		}
		h, err := tr.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("the archive ends early: %w", err)
		case err != nil:
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := w.visit(h.Name, h.ModTime, tr); err != nil {
			return err
		}
	}
}
