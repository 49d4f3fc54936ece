package calltree

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/stack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFolded: a profile of very many frames has a picture all the same.
func TestFolded(t *testing.T) {
	p := &collector.Profile{Format: collector.FormatProto}
	for i := range 500 {
		r := collector.Record{Count: 1 + int64(i%7)}
		for depth := range 100 {
			r.Frames = append(r.Frames, &collector.Frame{Func: fmt.Sprintf("example.com/p%d.F%d", i, depth), File: "f.go", Line: depth})
		}
		p.Records = append(p.Records, r)
		p.Total += r.Count
	}
	root, folded := Of(&stack.Snapshot{}, stack.Of(p))
	var count func(n *v1.Node) int
	count = func(n *v1.Node) int {
		sum := 1
		for _, c := range n.Children {
			sum += count(c)
		}
		return sum
	}
	require.LessOrEqual(t, count(root), maxNodes)
	require.Equal(t, 500*100, folded+count(root)-1, "what is left out is counted")
	require.Equal(t, p.Total, root.Head)
}
