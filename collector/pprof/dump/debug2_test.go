package dump

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// FuzzKnown reads dumps with and without the fast path for known stacks. The results are equal.
func FuzzKnown(f *testing.F) {
	files, err := filepath.Glob("../../../internal/stack/testdata/profiles/*.debug2.txt")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		text := string(data[:min(len(data), 2<<10)])
		f.Add([]byte(text + "\n\n" + strings.NewReplacer("goroutine ", "goroutine 9", "0x1", "0xc0002", ")\n", ", ...)\n").Replace(text)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		require.Equal(t, dumpOf(data, false), dumpOf(data, true))
	})
}

// dumpOf reads a dump without detection of its format, as far as it can.
func dumpOf(data []byte, tolerant bool) (p collector.Profile) {
	lim := bounds.Limits{Body: 1 << 20, Decoded: 1 << 20, Stacks: 50, Depth: 20}.WithDefaults()
	in := &lines{br: bufio.NewReaderSize(bytes.NewReader(data), bounds.BufferSize), tolerant: tolerant}
	err := readDebug2(in, lim, nil, &p, &notes{wrapping: &wrapping{}}, func(rec *collector.Record) error {
		p.Records = append(p.Records, *rec)
		return nil
	})
	if err != nil {
		p.Warnings = append(p.Warnings, err.Error())
	}
	return p
}
