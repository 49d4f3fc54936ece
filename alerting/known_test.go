package alerting

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// ticktock returns a leak of a release of ants that is known to leak.
func ticktock(file string) leak.Leak {
	l := checkout()
	frame := collector.Frame{Func: "github.com/panjf2000/ants/v2.(*Pool).ticktock", File: file, Line: 118}
	l.Stacks = []leak.StackGrowth{{Signature: "tick", Op: "chan receive", Frames: []collector.Frame{frame}, Key: frame, Head: 1904, Share: 0.97}}
	return l
}

// The alert names the release that fixes a reported leak, and claims nothing that it cannot
// know.
func TestAlertNamesAKnownLeak(t *testing.T) {
	const words = "nown: fixed in v2.7.1 (panjf2000/ants#263): Release does not end the goroutine that keeps the pool's clock. Upgrade. Until then, keep one pool and reuse it"
	l := ticktock("/go/pkg/mod/github.com/panjf2000/ants/v2@v2.7.0/pool.go")
	require.Contains(t, Text(l, render()), "\n  K"+words+"\n")
	require.Contains(t, Render(l, Warning, render()).Annotations["description"], "\nK"+words+".\n")
	require.Equal(t, "https://github.com/panjf2000/ants/issues/263", Facts(l)[0].URL)

	vendored := ticktock("/src/vendor/github.com/panjf2000/ants/v2/pool.go")
	require.Contains(t, Text(vendored, render()), "\n  Possibly k"+words+"\n")

	mended := ticktock("/go/pkg/mod/github.com/panjf2000/ants/v2@v2.7.1/pool.go")
	require.NotContains(t, Text(mended, render()), "nown: ")
	require.NotContains(t, Render(mended, Warning, render()).Annotations["description"], "nown: ")
}

// In an alert that is too long, the known leak stays longer than the usual cause.
func TestKnownLeakInALongDescription(t *testing.T) {
	l := ticktock("/go/pkg/mod/github.com/panjf2000/ants/v2@v2.7.0/pool.go")
	for range 3 {
		l.Stacks[0].Callers = append(l.Stacks[0].Callers, leak.Caller{
			Frame: collector.Frame{Func: "main." + strings.Repeat("caller", 20), File: strings.Repeat("x", 200) + ".go", Line: 7},
			Calls: "github.com/panjf2000/ants/v2.NewPool", Link: leak.LinkPackage, Seen: collector.KindHeap,
		})
	}
	l.Instances = []string{strings.Repeat("i", 200)}
	text := Render(l, Warning, render()).Annotations["description"]
	require.Contains(t, text, "Known: fixed in v2.7.1")
	require.LessOrEqual(t, len(text), maxDescription)
}
