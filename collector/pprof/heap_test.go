package pprof

import (
	httppprof "net/http/pprof"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

var kept [][]byte

// construct allocates so much that the heap profile has it for certain.
//
//go:noinline
func construct() { kept = append(kept, make([]byte, 8<<20)) }

// collect collects garbage until the heap profile has all that was allocated before.
func collect() {
	for range 3 {
		runtime.GC()
	}
}

// A heap profile has the stacks that allocate. It is refused in place of goroutines, and
// goroutines in place of it.
func TestFetchHeap(t *testing.T) {
	construct()
	defer func() { kept = nil }()
	collect()
	u := serve(t, httppprof.Index)
	p, err := New(Options{}).Fetch(t.Context(), client(t), u, collector.KindHeap, 0)
	require.NoError(t, err)
	require.Equal(t, collector.KindHeap, p.Kind)
	require.Nil(t, p.Raw, "it is not kept")
	require.EqualValues(t, len(p.Records), p.Total)
	record := func(p *collector.Profile, fn string) *collector.Record {
		for i, r := range p.Records {
			at := slices.IndexFunc(r.Frames, func(f *collector.Frame) bool { return strings.HasSuffix(f.Func, "pprof."+fn) })
			if at >= 0 && strings.HasSuffix(r.Frames[at+1].Func, "pprof.TestFetchHeap") {
				return &p.Records[i]
			}
		}
		return nil
	}
	r := record(p, "construct")
	require.NotNil(t, r)
	require.True(t, r.InUse)
	kept = nil
	collect()
	p, err = New(Options{}).Fetch(t.Context(), client(t), u, collector.KindHeap, 0)
	require.NoError(t, err)
	r = record(p, "construct")
	require.NotNil(t, r, "it was allocated once")
	require.False(t, r.InUse)

	heap := *u
	heap.Path = "/debug/pprof/heap"
	_, err = New(Options{}).Fetch(t.Context(), client(t), &heap, collector.KindGoroutine, 0)
	require.ErrorContains(t, err, "that is a heap profile, not a goroutine profile")
}
