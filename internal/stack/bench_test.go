package stack

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector/pprof"
)

// manyStacks makes a profile of distinct stacks, all blocked in a send.
func manyStacks(tb testing.TB, stacks, depth int, seed uint64) []byte {
	tb.Helper()
	shape, counts := rand.New(rand.NewPCG(7, 7)), rand.New(rand.NewPCG(seed, seed))
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "goroutine", Unit: "count"}}}
	location := func(name, file string) *profile.Location {
		id := uint64(len(p.Location) + 1)
		fn := &profile.Function{ID: id, Name: name, SystemName: name, Filename: file}
		l := &profile.Location{ID: id, Address: 0x400000 + id*64, Line: []profile.Line{{Function: fn, Line: int64(20 + id%300)}}}
		p.Function, p.Location = append(p.Function, fn), append(p.Location, l)
		return l
	}
	var lead, user []*profile.Location
	for _, n := range []string{"gopark", "chansend", "chansend1"} {
		lead = append(lead, location("runtime."+n, "/usr/local/go/src/runtime/chan.go"))
	}
	for i := range 6000 {
		user = append(user, location(fmt.Sprintf("github.com/acme/shop/internal/pkg%d.(*Server).handle%d", i%150, i), fmt.Sprintf("/src/internal/pkg%d/file%d.go", i%150, i%7)))
	}
	for range stacks {
		s := &profile.Sample{Location: lead[:len(lead):len(lead)], Value: []int64{1 + counts.Int64N(50)}}
		for len(s.Location) < depth {
			s.Location = append(s.Location, user[shape.IntN(len(user))])
		}
		p.Sample = append(p.Sample, s)
	}
	var b bytes.Buffer
	require.NoError(tb, p.Write(&b))
	return b.Bytes()
}

// The work of gorowatch diff on two profiles of 20 000 distinct stacks, each 30 deep, without
// reading files and printing. `make bench` compares whole processes with go tool pprof -top
// -base.
func BenchmarkDiff(b *testing.B) {
	base, head := manyStacks(b, 20_000, 30, 1), manyStacks(b, 20_000, 30, 2)
	b.ReportAllocs()
	for b.Loop() {
		build := NewBuilder()
		var s [2]*Snapshot
		for i, data := range [][]byte{base, head} {
			p, err := pprof.Read(bytes.NewReader(data), time.Time{}, pprof.Limits{}, build.Add)
			require.NoError(b, err)
			s[i] = build.Snapshot(p)
		}
		require.Greater(b, len(Diff(s[0], s[1])), 19_000)
	}
}

// One small profile, which is the usual case.
func BenchmarkOf(b *testing.B) {
	p := load(b, "go126.pb.gz")
	b.ReportAllocs()
	for b.Loop() {
		Of(p)
	}
}
