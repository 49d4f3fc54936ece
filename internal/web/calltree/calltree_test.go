package calltree

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/stack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFolded: a profile of very many frames has a picture, too.
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

// line writes a tree as a line: name base>head {children}.
func line(n *v1.Node) string {
	s := fmt.Sprintf("%s %d>%d", n.Name, n.Base, n.Head)
	if n.Standard {
		s = "*" + s
	}
	var children []string
	for _, c := range n.Children {
		children = append(children, line(c))
	}
	if len(children) > 0 {
		s += " {" + strings.Join(children, ", ") + "}"
	}
	return s
}

// profile makes a snapshot of stacks, each "count operation: leaf < caller < …".
func profile(t *testing.T, stacks ...string) *stack.Snapshot {
	t.Helper()
	p := &collector.Profile{Format: collector.FormatDebug2}
	for _, text := range stacks {
		head, calls, ok := strings.Cut(text, ": ")
		require.True(t, ok, text)
		count, op, _ := strings.Cut(head, " ")
		n, err := strconv.ParseInt(count, 10, 64)
		require.NoError(t, err)
		r := collector.Record{Count: n, State: op}
		for name := range strings.SplitSeq(calls, " < ") {
			r.Frames = append(r.Frames, &collector.Frame{Func: name, File: "/src/f.go", Line: 7})
		}
		p.Records = append(p.Records, r)
		p.Total += n
	}
	return stack.Of(p)
}

// TestOf: both profiles are added up by their calls, outermost first, and what
// grew most comes first.
func TestOf(t *testing.T) {
	for name, c := range map[string]struct {
		base, head []string
		want       string
	}{
		"nothing": {want: "all goroutines 0>0"},
		"one stack": {
			head: []string{"3 chan send: a.f < a.g"},
			want: "all goroutines 0>3 {a.g 0>3 {a.f 0>3 {*chan send 0>3}}}",
		},
		"it grew": {
			base: []string{"1 chan send: a.f < a.g"}, head: []string{"3 chan send: a.f < a.g"},
			want: "all goroutines 1>3 {a.g 1>3 {a.f 1>3 {*chan send 1>3}}}",
		},
		"it is gone": {
			base: []string{"2 select: a.f"},
			want: "all goroutines 2>0 {a.f 2>0 {*select 2>0}}",
		},
		"running is no operation": {
			head: []string{"2 running: a.f"},
			want: "all goroutines 0>2 {a.f 0>2}",
		},
		"a caller in common": {
			base: []string{"1 select: a.f < a.g", "5 select: a.h < a.g"}, head: []string{"4 select: a.f < a.g", "2 select: a.h < a.g"},
			want: "all goroutines 6>6 {a.g 6>6 {a.f 1>4 {*select 1>4}, a.h 5>2 {*select 5>2}}}",
		},
		"two operations of a function": {
			head: []string{"1 select: a.f", "2 chan send: a.f"},
			want: "all goroutines 0>3 {a.f 0>3 {*chan send 0>2, *select 0>1}}",
		},
		"growth, then size, then name": {
			base: []string{"9 select: a.shrinks", "8 select: a.large", "1 select: a.small", "1 select: a.alike"},
			head: []string{"2 select: a.shrinks", "8 select: a.large", "1 select: a.small", "1 select: a.alike", "1 select: a.grows"},
			want: "all goroutines 19>13 {a.grows 0>1 {*select 0>1}, a.large 8>8 {*select 8>8}, a.alike 1>1 {*select 1>1}, a.small 1>1 {*select 1>1}, a.shrinks 9>2 {*select 9>2}}",
		},
		"a function that calls itself": {
			head: []string{"1 select: a.f < a.f"},
			want: "all goroutines 0>1 {a.f 0>1 {a.f 0>1 {*select 0>1}}}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, folded := Of(profile(t, c.base...), profile(t, c.head...))
			require.Equal(t, c.want, line(root))
			require.Zero(t, folded)
		})
	}
}

// TestNames: a function has its place, functions of the standard library are marked, and a
// hostile name is cut.
func TestNames(t *testing.T) {
	head := stack.Of(&collector.Profile{Total: 1, Records: []collector.Record{{Count: 1, Frames: []*collector.Frame{
		{Func: strings.Repeat("x", 1000), File: "/src/" + strings.Repeat("y", 1000) + ".go", Line: 1},
		{Func: "net/http.(*conn).serve", File: "/go/src/net/http/server.go", Line: 2100},
		{Func: "example.com/shop.Serve", File: "/src/shop/serve.go", Line: 29},
	}}}})
	root, _ := Of(&stack.Snapshot{}, head)
	shop := root.Children[0]
	require.Equal(t, "example.com/shop.Serve", shop.Name)
	require.Equal(t, "serve.go:29", shop.Place)
	require.False(t, shop.Standard)
	conn := shop.Children[0]
	require.Equal(t, "net/http.(*conn).serve", conn.Name)
	require.True(t, conn.Standard)
	long := conn.Children[0]
	require.LessOrEqual(t, len([]rune(long.Name)), maxFunc)
	require.LessOrEqual(t, len([]rune(long.Place)), maxName)
	require.NotEmpty(t, long.Name)
}

// TestDeep: of a stack that is too deep, the frames next to the leaf are left out.
func TestDeep(t *testing.T) {
	r := collector.Record{Count: 1}
	for i := range 2 * maxDepth {
		r.Frames = append(r.Frames, &collector.Frame{Func: fmt.Sprintf("a.f%d", i)})
	}
	root, _ := Of(&stack.Snapshot{}, stack.Of(&collector.Profile{Total: 1, Records: []collector.Record{r}}))
	depth := 0
	n := root
	for len(n.Children) > 0 {
		n = n.Children[0]
		depth++
	}
	require.Equal(t, maxDepth, depth)
	require.Equal(t, fmt.Sprintf("a.f%d", maxDepth), n.Name)
	require.Equal(t, fmt.Sprintf("a.f%d", 2*maxDepth-1), root.Children[0].Name, "where it began is there")
}

// TestSmallOnesAreFolded: nodes too small for a picture are left out and counted; nodes that
// are large in either profile stay.
func TestSmallOnesAreFolded(t *testing.T) {
	root, folded := Of(profile(t, "5000 running: a.before", "1 running: a.tiny"), profile(t, "5000 running: a.now", "2 running: a.tiny < a.caller", "3 running: a.small"))
	require.Equal(t, "all goroutines 5001>5005 {a.now 0>5000, a.small 0>3, a.before 5000>0}", line(root))
	require.Equal(t, 3, folded, "a.tiny, and a.caller with another a.tiny")
}
