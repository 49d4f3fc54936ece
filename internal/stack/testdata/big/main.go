// Big writes a goroutine profile with many distinct stacks, for benchmarks:
//
//	go run ./internal/stack/testdata/big -stacks 20000 -depth 30 -seed 1 -out base.pb.gz
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/google/pprof/profile"
)

func main() {
	stacks := flag.Int("stacks", 20_000, "distinct stacks")
	depth := flag.Int("depth", 30, "frames of each")
	seed := flag.Uint64("seed", 1, "of the counts; the stacks are always the same")
	out := flag.String("out", "big.pb.gz", "file to write")
	flag.Parse()
	f, err := os.Create(*out)
	if err == nil {
		err = profileOf(*stacks, *depth, *seed).Write(f)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func profileOf(stacks, depth int, seed uint64) *profile.Profile {
	shape, counts := rand.New(rand.NewPCG(7, 7)), rand.New(rand.NewPCG(seed, seed))
	m := &profile.Mapping{ID: 1, Start: 0x400000, Limit: 0x4000000, File: "/app/server", HasFunctions: true}
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "goroutine", Unit: "count"}},
		PeriodType: &profile.ValueType{Type: "goroutine", Unit: "count"},
		Period:     1, TimeNanos: time.Date(2026, 1, 1, 0, int(seed), 0, 0, time.UTC).UnixNano(),
		Mapping: []*profile.Mapping{m},
	}
	location := func(name, file string) *profile.Location {
		id := uint64(len(p.Location) + 1)
		fn := &profile.Function{ID: id, Name: name, SystemName: name, Filename: file, StartLine: 10}
		l := &profile.Location{ID: id, Mapping: m, Address: 0x400000 + id*64, Line: []profile.Line{{Function: fn, Line: int64(20 + id%300)}}}
		p.Function = append(p.Function, fn)
		p.Location = append(p.Location, l)
		return l
	}
	var lead []*profile.Location
	for _, n := range []string{"gopark", "chansend", "chansend1"} {
		lead = append(lead, location("runtime."+n, "/usr/local/go/src/runtime/chan.go"))
	}
	var user []*profile.Location
	for i := range 6000 {
		pkg := i % 150
		user = append(user, location(fmt.Sprintf("github.com/acme/shop/internal/pkg%d.(*Server).handle%d", pkg, i), fmt.Sprintf("/src/internal/pkg%d/file%d.go", pkg, i%7)))
	}
	for range stacks {
		s := &profile.Sample{Location: lead, Value: []int64{1 + counts.Int64N(50)}}
		s.Location = s.Location[:len(lead):len(lead)]
		for len(s.Location) < depth {
			s.Location = append(s.Location, user[shape.IntN(len(user))])
		}
		p.Sample = append(p.Sample, s)
	}
	return p
}
