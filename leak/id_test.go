package leak

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

func TestIDIsThatOfServiceAndStack(t *testing.T) {
	require.Equal(t, ID(checkout, "x"), ID(labels.FromStrings("namespace", "shop", "job", "checkout"), "x"))
	require.NotEqual(t, ID(checkout, "x"), ID(checkout, "y"))
	require.Regexp(t, `^[0-9a-f]{12}$`, ID(checkout, ""))
}
