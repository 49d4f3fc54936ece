// Package calltree adds up two goroutine profiles by the calls of their stacks, for the flame
// graph of their difference.
//
// The package owns the tree and decides what is folded in it, so that the answer to a browser
// does not grow with the profiles. It is pure: it gets profiles from internal/web/view;
// internal/web/apiv1 sends the tree as JSON, and the page draws it.
package calltree

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// Bounds of a tree, and of names in it, in characters.
const (
	maxNodes = 3000
	maxDepth = 128
	maxName  = 120
	maxFunc  = 160
	maxFile  = 300
)

// Of adds up both profiles by their calls. It folds functions that are too small to
// be seen; folded is how many.
func Of(base, head *stack.Snapshot) (tree *v1.Node, folded int) {
	root := &node{Node: v1.Node{Name: "all goroutines", Base: base.Total, Head: head.Total}}
	add := func(s *stack.Stack, base, head int64) {
		n := root
		frames := s.Frames
		if len(frames) > maxDepth {
			frames = frames[len(frames)-maxDepth:]
		}
		for i := len(frames) - 1; i >= 0; i-- {
			f := frames[i]
			n = n.child(f.Func, *f)
			n.Base, n.Head = n.Base+base, n.Head+head
		}
		if s.Op != "" && s.Op != stack.Running {
			n = n.child("\x00"+s.Op, collector.Frame{})
			n.Base, n.Head = n.Base+base, n.Head+head
		}
	}
	for sig, s := range head.Stacks {
		var before int64
		if b := base.Stacks[sig]; b != nil {
			before = b.Count
		}
		add(s, before, s.Count)
	}
	for sig, s := range base.Stacks {
		if head.Stacks[sig] == nil {
			add(s, s.Count, 0)
		}
	}
	least := root.size() / 2000
	for {
		kept := root.count(least)
		if kept <= maxNodes || least > root.size() {
			break
		}
		least = max(1, 2*least)
	}
	folded = root.fold(least)
	return root.json(), folded
}

// node is a function in the tree of calls, outermost first.
type node struct {
	v1.Node
	children []*node

	index map[string]*node
	key   string
	frame collector.Frame
}

// json returns the node as the API has it, with its children.
func (n *node) json() *v1.Node {
	for _, c := range n.children {
		n.Children = append(n.Children, c.json())
	}
	return &n.Node
}

// child returns the function that n calls; it is added if there is none yet.
func (n *node) child(key string, f collector.Frame) *node {
	c, ok := n.index[key]
	if !ok {
		c = &node{key: key, frame: f}
		if n.index == nil {
			n.index = map[string]*node{}
		}
		n.index[key] = c
		n.children = append(n.children, c)
	}
	return c
}

// size returns the count that decides how wide a node is.
func (n *node) size() int64 { return max(n.Base, n.Head) }

// count returns how many nodes are left when those of a size up to least are folded.
func (n *node) count(least int64) int {
	sum := 1
	for _, c := range n.children {
		if c.size() > least {
			sum += c.count(least)
		}
	}
	return sum
}

// fold leaves out the children of a size up to least, and orders the others.
func (n *node) fold(least int64) (folded int) {
	slices.SortFunc(n.children, func(a, b *node) int {
		return cmp.Or(cmp.Compare(b.Head-b.Base, a.Head-a.Base), cmp.Compare(b.size(), a.size()), cmp.Compare(a.key, b.key))
	})
	n.children = slices.DeleteFunc(n.children, func(c *node) bool {
		if c.size() > least {
			c.call()
			folded += c.fold(least)
			return false
		}
		folded += c.count(-1)
		return true
	})
	return folded
}

// call names a node: by its function, or by the operation that goroutines wait in.
func (n *node) call() {
	if op, ok := strings.CutPrefix(n.key, "\x00"); ok {
		n.Name, n.Standard = human.Line(op, maxName), true
		return
	}
	n.Name, n.Place = human.Func(n.frame.Func, maxFunc), human.Line(human.Place(n.frame.File, n.frame.Line), maxName)
	if n.Standard = stack.Standard(n.frame); !n.Standard {
		n.File = human.Line(n.frame.File, maxFile)
	}
}
