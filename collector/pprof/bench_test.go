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

// A debug=1 profile of 50,000 stacks, as a service with many code paths gives it.
func BenchmarkDebug1(b *testing.B) {
	var all strings.Builder
	const stacks = 50_000
	fmt.Fprintf(&all, "goroutine profile: total %d\n", stacks)
	for i := range stacks {
		all.WriteString("1 @")
		for j := range 6 + i%7 {
			fmt.Fprintf(&all, " 0x%x", 0x400000+64*j+i%1000)
		}
		all.WriteString("\n")
		for j := range 6 + i%7 {
			fmt.Fprintf(&all, "#\t0x%x\tgithub.com/acme/shop/internal/pkg%d.(*Server).handle%d+0x%x\t\t/src/internal/pkg%d/file.go:%d\n", 0x400000+64*j+i%1000, i%300, j, 17*j+1, i%300, 10+j+i%5)
		}
		all.WriteString("\n")
	}
	data := []byte(all.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := Parse(bytes.NewReader(data), fetched, Limits{})
		require.NoError(b, err)
		require.Len(b, p.Records, stacks)
	}
}
