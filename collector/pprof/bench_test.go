package pprof

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A dump of 60 MB, of 300 distinct stacks, as a server with a leak prints it.
func BenchmarkDebug2(b *testing.B) {
	var all strings.Builder
	for id := 1; all.Len() < 60<<20; id++ {
		i := id % 300
		fmt.Fprintf(&all, "goroutine %d [chan receive, %d minutes]:\n", id, i)
		for j := range 4 + i%20 {
			fmt.Fprintf(&all, "github.com/acme/shop/internal/pkg%d.(*Server).handle%d(0xc000%06x, {0x1234560, 0xc0001%05x}, 0x%d)\n\t/src/internal/pkg%d/file.go:%d +0x%x\n", i, j, i, j, j, i, 10+j, 17*j)
		}
		fmt.Fprintf(&all, "created by github.com/acme/shop/internal/pkg%d.(*Server).Start in goroutine %d\n\t/src/internal/pkg%d/file.go:9 +0x1d\n\n", i, i, i)
	}
	data := []byte(all.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := Parse(bytes.NewReader(data), fetched, Limits{})
		require.NoError(b, err)
		require.Len(b, p.Records, 300)
	}
}
