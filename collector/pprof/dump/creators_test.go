package dump

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Goroutines at a place that was read before take a faster path than others. Both paths find
// who started them.
func TestCreators(t *testing.T) {
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, "goroutine %d [select, 2 minutes]:\nmain.run(0x1)\n\t/src/x.go:4 +0x1d\ncreated by main.start in goroutine %d\n\t/src/x.go:9 +0x5e\n\n", 100+i, 40+i/2)
	}
	for _, tolerant := range []bool{false, true} {
		p := dumpOf([]byte(text.String()), tolerant)
		require.Len(t, p.Records, 1)
		require.EqualValues(t, 20, p.Records[0].Count)
		require.Equal(t, []uint64{40, 41, 42, 43, 44, 45, 46, 47}, p.Records[0].Creators, "a few of all, each once")
		require.Equal(t, "main.start", p.Records[0].CreatedBy.Func)
	}
	p := dumpOf([]byte(strings.ReplaceAll(text.String(), " in goroutine 40", "")), false)
	require.EqualValues(t, 41, p.Records[0].Creators[0], "Go before 1.21 does not say")
	require.Zero(t, creatorOf([]byte("99999999999999999999")))
	require.Zero(t, creatorOf([]byte("7x")))
}
