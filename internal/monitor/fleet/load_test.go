package fleet

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLoads(t *testing.T) {
	at := func(hour int) time.Time { return time.Unix(0, 0).Add(time.Duration(hour) * time.Hour) }
	var l loadHistory
	require.True(t, math.IsNaN(l.at(at(1000), time.Minute)), "nothing is known")
	for hour := 1000; hour < 1300; hour++ {
		if hour == 1280 {
			continue
		}
		l.add(at(hour), float64(hour), time.Minute)
		l.add(at(hour).Add(time.Minute), float64(hour)+1, time.Minute)
		l.add(at(hour).Add(time.Minute), math.NaN(), time.Minute)
	}
	require.Equal(t, 1299.5, l.at(at(1299), time.Minute), "the present hour")
	require.InEpsilon(t, 1298.5, l.at(at(1298).Add(59*time.Minute), time.Minute), 0.002)
	require.InEpsilon(t, 1060.5, l.at(at(1060), time.Minute), 0.002)
	require.True(t, math.IsNaN(l.at(at(1280), time.Minute)), "an hour without a sample")
	require.True(t, math.IsNaN(l.at(at(1050), time.Minute)), "too long ago")
	require.True(t, math.IsNaN(l.at(at(1300), time.Minute)), "to come")
	require.LessOrEqual(t, cap(l.means)*2, 528, "bytes")
}

func TestMeans(t *testing.T) {
	for _, x := range []float64{0, 1e-9, 0.003, 0.5, 1, 1.999, 17, 123456, 3e11} {
		require.InDelta(t, x, meanOf(x).load(), x/500)
	}
	require.Zero(t, meanOf(-3).load())
	require.True(t, math.IsNaN(meanOf(math.NaN()).load()))
}
