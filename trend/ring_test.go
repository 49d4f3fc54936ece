package trend

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPackedBlocks(t *testing.T) {
	nan := float32(math.NaN())
	for count := range 4096 {
		require.EqualValues(t, count, block{floor: float32(count)}.pack().unpack().floor)
	}
	last := float32(0)
	for x := 1.0; x < absurd; x *= 1.01 {
		got := block{floor: float32(x)}.pack().unpack().floor
		require.InEpsilon(t, x, got, 1./4000)
		require.GreaterOrEqual(t, got, last, "order stays")
		last = got
	}
	for x := 1e-7; x < 1e11; x *= 1.07 {
		require.InEpsilon(t, x, block{load: float32(x)}.pack().unpack().load, 1./2000)
	}
	for in, want := range map[float32]float32{0: 0, 1e-20: 0, math.MaxFloat32: (2 - 1./512) * (1 << 38)} {
		require.Equal(t, want, block{load: in}.pack().unpack().load)
	}
	b := block{floor: nan, load: nan}.pack().unpack()
	require.False(t, b.valid())
	require.True(t, math.IsNaN(float64(b.load)))
	require.False(t, missing.pack().unpack().valid())
	require.False(t, math.IsInf(float64(block{load: float32(math.Inf(1))}.pack().unpack().load), 0))
}
