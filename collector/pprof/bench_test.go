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
	var one strings.Builder
	for i := range 300 {
		fmt.Fprintf(&one, "goroutine %d [chan receive, %d minutes]:\n", 1000+i, i)
		for j := range 4 + i%20 {
			fmt.Fprintf(&one, "github.com/acme/shop/internal/pkg%d.(*Server).handle%d(0xc000%06x, {0x1234560, 0xc0001%05x}, 0x%d)\n\t/src/internal/pkg%d/file.go:%d +0x%x\n", i, j, i, j, j, i, 10+j, 17*j)
		}
		fmt.Fprintf(&one, "created by github.com/acme/shop/internal/pkg%d.(*Server).Start in goroutine %d\n\t/src/internal/pkg%d/file.go:9 +0x1d\n\n", i, i, i)
	}
	data := bytes.Repeat([]byte(one.String()), 60<<20/one.Len())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := Parse(bytes.NewReader(data), fetched, Limits{})
		require.NoError(b, err)
		require.Len(b, p.Records, 300)
	}
}
