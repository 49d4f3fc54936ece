package alerting

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// TestLeadingLabels: the alert says which values lead, below the frame to look at.
func TestLeadingLabels(t *testing.T) {
	l := checkout()
	l.Stacks[0].Labels = []leak.LabelShare{{Key: "method", Value: "/cart.Cart/Watch", Share: 0.94}, {Key: "tenant", Value: "#5f3a9c2d", Share: 0.71}}
	a := Render(l, Warning, render())
	golden(t, "labels.txt", Text(l, render())+"\n")
	require.Contains(t, a.Annotations["stack_diff"], "\n  method=/cart.Cart/Watch: 94 %, tenant=#5f3a9c2d: 71 %")
	require.Contains(t, a.Annotations["description"], "method=/cart.Cart/Watch: 94 %")
	lines := strings.Split(a.Annotations["stack_diff"], "\n")
	require.Contains(t, lines[1], "main.logHandler.func1", "receivers rely on the count and the frame to be first")
}

// TestHostileLabels: programs choose keys and values. These neither notify anybody nor break a
// line.
func TestHostileLabels(t *testing.T) {
	l := checkout()
	l.Stacks[0].Labels = []leak.LabelShare{
		{Key: "@channel\n", Value: "<!here> ```\x00" + strings.Repeat("x", 9000), Share: 1},
		{Key: strings.Repeat("k", 9000), Value: "[a](http://b)", Share: 0.9},
		{Key: "c", Value: "\u202e", Share: 0.8},
	}
	a := Render(l, Warning, render())
	diff := a.Annotations["stack_diff"]
	require.LessOrEqual(t, len(diff), maxStackDiff)
	for _, bad := range []string{"<!here", "@channel", "```", "](", "\x00", "\u202e"} {
		require.NotContains(t, diff, bad)
	}
	require.Equal(t, strings.Count(Render(checkout(), Warning, render()).Annotations["stack_diff"], "\n")+1, strings.Count(diff, "\n"), "one line more")
}
