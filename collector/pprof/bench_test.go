package pprof

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
	"github.com/gorowatch/gorowatch/collector"
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

// A protocol buffer of 20,000 stacks, 30 deep, without compression.
func BenchmarkProto(b *testing.B) {
	p := &collector.Profile{Kind: collector.KindGoroutine}
	frames := make([]*collector.Frame, 3000)
	for i := range frames {
		frames[i] = &collector.Frame{Func: fmt.Sprintf("github.com/acme/shop/internal/pkg%d.(*Server).handle%d", i/100, i), File: fmt.Sprintf("/src/internal/pkg%d/file.go", i/100), Line: i}
	}
	for i := range 20_000 {
		r := collector.Record{Count: int64(1 + i%7)}
		for j := range 30 {
			r.Frames = append(r.Frames, frames[(i*(j+7)+j)%len(frames)])
		}
		p.Records = append(p.Records, r)
	}
	var data bytes.Buffer
	require.NoError(b, sharedFrames(p).WriteUncompressed(&data))
	b.SetBytes(int64(data.Len()))
	b.ReportAllocs()
	for b.Loop() {
		p, err := Parse(bytes.NewReader(data.Bytes()), fetched, Limits{})
		require.NoError(b, err)
		require.Len(b, p.Records, 20_000)
	}
}

// sharedFrames converts p for the reference implementation, each frame once.
func sharedFrames(p *collector.Profile) *profile.Profile {
	out := &profile.Profile{SampleType: []*profile.ValueType{{Type: string(p.Kind), Unit: "count"}}}
	at := map[*collector.Frame]*profile.Location{}
	for _, r := range p.Records {
		s := &profile.Sample{Value: []int64{r.Count}}
		for _, f := range r.Frames {
			l := at[f]
			if l == nil {
				id := uint64(len(at) + 1)
				fn := &profile.Function{ID: id, Name: f.Func, Filename: f.File}
				l = &profile.Location{ID: id, Line: []profile.Line{{Function: fn, Line: int64(f.Line)}}}
				out.Function, out.Location = append(out.Function, fn), append(out.Location, l)
				at[f] = l
			}
			s.Location = append(s.Location, l)
		}
		out.Sample = append(out.Sample, s)
	}
	return out
}
