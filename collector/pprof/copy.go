package pprof

import (
	"bytes"
	"compress/gzip"
)

// maxDumpCopy bounds the gzipped dump that is kept. That of 10,000 goroutines takes some
// hundred kilobytes.
const maxDumpCopy = 4 << 20

// dumpCopy gzips what is written to it, up to a number of bytes. It never fails, because the
// dump matters more than its copy.
type dumpCopy struct {
	most int
	zw   *gzip.Writer
	out  bytes.Buffer
	over bool
}

func newDumpCopy(most int) *dumpCopy {
	c := &dumpCopy{most: most}
	c.zw = gzip.NewWriter(&c.out)
	return c
}

func (c *dumpCopy) Write(b []byte) (int, error) {
	if !c.over {
		_, _ = c.zw.Write(b) // into memory
		c.check()
	}
	return len(b), nil
}

// check drops the copy once it is too large.
func (c *dumpCopy) check() {
	if c.out.Len() > c.most {
		c.over, c.out = true, bytes.Buffer{}
	}
}

// bytes returns the copy; nil if it is too large.
func (c *dumpCopy) bytes() []byte {
	if !c.over {
		_ = c.zw.Close()
		c.check()
	}
	if c.over {
		return nil
	}
	return c.out.Bytes()
}
