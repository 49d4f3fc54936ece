package web

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/leak"
)

// withKnown adds a leak of a library that is known to leak.
func withKnown(s *state) *state {
	l := s.leaks[3]
	frame := collector.Frame{Func: "github.com/panjf2000/ants/v2.(*Pool).ticktock", File: "/go/pkg/mod/github.com/panjf2000/ants/v2@v2.7.0/pool.go", Line: 118}
	l.ID = "0123456789ab"
	l.Stacks = []leak.StackGrowth{{Signature: "tick", Op: "chan receive", Frames: []collector.Frame{frame}, Key: frame, Head: 1904, Share: 0.97}}
	s.leaks = append(s.leaks, l)
	return s
}

// TestKnownLeak: page, Markdown and API show the report of a known leak.
func TestKnownLeak(t *testing.T) {
	o := options(withKnown(leaking()))
	page := body(t, get(t, o, "/leaks/0123456789ab"))
	require.Contains(t, text(page), "Known: fixed in v2.7.1 (panjf2000/ants#263): Release does not end the goroutine")
	require.Contains(t, page, `<a href="https://github.com/panjf2000/ants/issues/263" rel="noreferrer">The report</a>`)
	require.Contains(t, page, "[The report](&lt;https://github.com/panjf2000/ants/issues/263&gt;)")

	got := apiData[v1.Leak](t, o, "/api/v1/leaks/0123456789ab").Known
	require.Equal(t, &v1.Known{
		ID: "ants", Module: "github.com/panjf2000/ants/v2", Version: "v2.7.0", Certain: true, Fixed: "v2.7.1",
		Issue: "https://github.com/panjf2000/ants/issues/263", Summary: "Release does not end the goroutine that keeps the pool's clock.",
		Do: "Upgrade. Until then, keep one pool and reuse it.",
	}, got)
	require.Nil(t, apiData[v1.Leak](t, o, "/api/v1/leaks/3f9c2a7b").Known)
	require.NotContains(t, text(body(t, get(t, o, "/leaks/3f9c2a7b"))), "nown: ")
}
