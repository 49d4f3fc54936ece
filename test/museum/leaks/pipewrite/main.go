// Command pipewrite packs reports into a pipe for an uploader. The uploader
// looks at the beginning, refuses, and does not close its end.
package main

import (
	"bytes"
	"compress/gzip"
	"io"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type export struct {
	report []byte
	fixed  bool
	failed int
}

func (x *export) upload(body *io.PipeReader) {
	if x.fixed {
		defer body.Close()
	}
	magic := make([]byte, 2)
	if _, err := io.ReadFull(body, magic); err != nil || !bytes.Equal(magic, []byte("PK")) {
		x.failed++ // no zip: refused
	}
}

func (x *export) stream() {
	reader, writer := io.Pipe()
	go func() {
		packed := gzip.NewWriter(writer)
		_, _ = packed.Write(x.report)
		_ = packed.Close()
		_ = writer.Close()
	}()
	x.upload(reader)
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		x := &export{report: bytes.Repeat([]byte("week 48: nothing sold\n"), 500), fixed: e.Fixed}
		e.Often(x.stream)
	})
}
