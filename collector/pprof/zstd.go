package pprof

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// zstdWindow bounds the memory of decompression. All levels of zstd that need no option to
// decompress stay below it.
const zstdWindow = 8 << 20

// readZstd reads a profile that is compressed with zstd.
func (u *unpacker) readZstd(br *bufio.Reader) error {
	if err := u.memory.Charge(zstdWindow); err != nil {
		return err
	}
	zr, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return zstdError(err, 0)
	}
	defer zr.Close()
	decoded := &bounds.Reader{Memory: u.memory, R: zr, N: u.lim.Decoded, What: "bytes when decompressed"}
	text := bufio.NewReaderSize(decoded, bounds.BufferSize)
	if err = u.read(text, true); err == nil {
		// The checksum is at the end.
		_, err = io.Copy(io.Discard, text)
	}
	return zstdError(err, decoded.Done)
}

func zstdError(err error, at int64) error {
	switch {
	case err == nil, errors.As(err, new(*collector.Error)):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return collector.Errorf(collector.ReasonTruncated, "the zstd stream ends early, after %d decompressed bytes", at)
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return collector.Errorf(collector.ReasonTooLarge, "the zstd stream needs a window of more than %d bytes; compress it without --long and --ultra", zstdWindow)
	}
	return collector.Errorf(collector.ReasonBadData, "damaged after %d decompressed bytes: %w", at, err)
}
