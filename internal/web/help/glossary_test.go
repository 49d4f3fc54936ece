package help

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMeaning(t *testing.T) {
	require.Equal(t, "the lower envelope of a series: what remains when traffic pauses", Meaning("floor"))
	require.Equal(t, "the identifier of the reason why growth is not taken for a leak (follows_load)", Meaning("gate"))
	require.Empty(t, Meaning("no such word"))
}
