package heatmap

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/trend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// floors are those of blocks of 15 minutes since noon.
func floors(values ...float64) trend.Floors {
	return trend.Floors{Start: noon, Length: 15 * time.Minute, Values: values}
}

func heats(cells []Cell) (out []int) {
	for _, c := range cells {
		out = append(out, c.Heat)
	}
	return out
}

// TestOf: a deploy at one o'clock after which a service leaks.
func TestOf(t *testing.T) {
	f := floors(100, 101, 100, 102, 104, 120, 140, 160, 180, 200, 220, 240)
	cells := Of(f, noon, noon.Add(3*time.Hour), 3)
	require.Equal(t, noon.Add(time.Hour), cells[1].From)
	require.True(t, math.IsNaN(cells[0].Grown), "there is nothing to compare the first cell with")
	require.EqualValues(t, 4, cells[1].Grown)
	require.EqualValues(t, 76, cells[2].Grown)
	require.Equal(t, []int{0, 1, 4}, heats(cells))

	require.Equal(t, []int{0, 0, 0}, heats(Of(floors(200, 200, 200, 200, 150, 150, 150, 150, 100, 100, 100, 100), noon, noon.Add(3*time.Hour), 3)), "what falls is cold")
	require.Equal(t, []int{0, 0, 0}, heats(Of(trend.Floors{}, noon, noon.Add(3*time.Hour), 3)))
	gap := Of(floors(100, 100, 100, 100, math.NaN(), math.NaN(), math.NaN(), math.NaN(), 300, 300, 300, 300), noon, noon.Add(3*time.Hour), 3)
	require.Equal(t, []int{0, 0, 0}, heats(gap), "nothing is said of what was not seen")
	require.Equal(t, []int{0, 0}, heats(Of(floors(2, 2, 2, 2, 2.4, 2.4, 2.4, 2.4), noon, noon.Add(2*time.Hour), 2)), "half a goroutine is nothing")

	// Blocks that are longer than a cell: it is told where they change.
	long := trend.Floors{Start: noon, Length: 4 * time.Hour, Values: []float64{100, 200}}
	require.Equal(t, []int{0, 0, 0, 0, 4, 0, 0, 0}, heats(Of(long, noon, noon.Add(8*time.Hour), 8)))
}
