package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// TestLeadingLabels: 94 % of the leaked goroutines serve one method. The leak names it, hashed
// unless its key is allowed. Labels that differ for each request are not named.
func TestLeadingLabels(t *testing.T) {
	secret := []byte("a secret")
	for name, allowed := range map[string][]string{"hashed": nil, "allowed": {"method"}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.labelText = stack.HashLabels(secret, allowed)
			w.start()
			w.add("cart", "a", process{onset: t0.Add(time.Hour), perHour: 200, fn: handler, watched: 0.94})
			w.add("cart", "b", process{})
			w.run(4 * time.Hour)
			require.Len(t, w.firing(), 1)
			l := w.firing()[0]
			require.Len(t, l.Stacks[0].Labels, 1, l.Stacks[0].Labels)
			got := l.Stacks[0].Labels[0]
			require.InDelta(t, 0.94, got.Share, 0.01)
			want := leak.LabelShare{Key: "method", Value: "/cart.Cart/Watch", Share: got.Share}
			if allowed == nil {
				want.Value = w.labelText("method", "/cart.Cart/Watch")
				require.Regexp(t, "^#[0-9a-f]{8}$", want.Value)
			}
			require.Equal(t, want, got)
			require.Equal(t, l.Stacks[0].Labels, w.saved[l.ID].Stacks[0].Labels, "the archive has no more")
		})
	}
}

// TestNoLabelsWithoutLabelText: a scan, for example, shows no labels.
func TestNoLabelsWithoutLabelText(t *testing.T) {
	w := newWorld(t)
	w.add("cart", "a", process{onset: t0.Add(time.Hour), perHour: 200, fn: handler, watched: 0.94})
	w.run(4 * time.Hour)
	require.Len(t, w.firing(), 1)
	require.Empty(t, w.firing()[0].Stacks[0].Labels)
}
