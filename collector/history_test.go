package collector

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

func TestThin(t *testing.T) {
	from := time.UnixMilli(1_000_000)
	shop, other := labels.FromStrings("job", "shop"), labels.FromStrings("job", "other")
	at := func(seconds, count float64) Sample {
		return Sample{T: from.Add(time.Duration(seconds * float64(time.Second))).UnixMilli(), Count: count, Load: Unknown, Start: 7}
	}
	h := Thin(Window{From: from, To: from.Add(25 * time.Second), Series: []Series{
		{Labels: shop, Samples: []Sample{at(0, 99), at(1, 5), at(10, 3), at(10.001, 8), at(25, 4), at(26, 99)}},
		{Labels: other, Samples: []Sample{at(1, 1)}},
	}}, 10*time.Second, func(ls labels.Labels) bool { return ls.Get("job") == "shop" })

	require.Equal(t, from.Add(10*time.Second), h.Start)
	require.Equal(t, 3, h.Steps)
	require.Len(t, h.Instances, 1)
	in := h.Instances[0]
	require.Equal(t, shop, in.Labels)
	require.Equal(t, []float64{3, 8, 4}, in.Min)
	require.Equal(t, []float64{5, 8, 4}, in.Max)
	require.Equal(t, []float64{7, 7, 7}, in.Start)
	require.True(t, math.IsNaN(in.Load[0]))
}
