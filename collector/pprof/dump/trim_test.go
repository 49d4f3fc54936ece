package dump

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// Each byte at each place of a line, beside each other byte.
func TestPlainLinesAreRecognised(t *testing.T) {
	for c := range 256 {
		want := c < utf8.RuneSelf && c != 0x1b
		for size := 1; size <= 17; size++ {
			for at := range size {
				for _, beside := range []byte{0, ' ', 0x1a, 0x1c, 0x7f} {
					line := make([]byte, size)
					for i := range line {
						line[i] = beside
					}
					line[at] = byte(c)
					require.Equal(t, want, isPlain(line), "%q", line)
				}
			}
		}
	}
}
