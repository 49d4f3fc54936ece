package collector

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

func many(n int) labels.Labels {
	b := labels.NewScratchBuilder(n)
	for i := range n {
		b.Add(fmt.Sprintf("label_%05d", i), "x")
	}
	b.Sort()
	return b.Labels()
}

func TestLabelsProblem(t *testing.T) {
	for name, c := range map[string]struct {
		ls   labels.Labels
		want string
	}{
		"none":                  {labels.EmptyLabels(), ""},
		"a pod":                 {labels.FromStrings("namespace", "shop", "pod", "checkout-5b7cf9-x2x4", "instance", "10.0.0.1:8080"), ""},
		"the longest value":     {labels.FromStrings("a", strings.Repeat("x", MaxLabelBytes)), ""},
		"the most labels":       {many(MaxLabels), ""},
		"200 kB":                {labels.FromStrings("a", "b", "path", strings.Repeat("x", 200_000)), `label "path" has a value of 200000 bytes, more than 2048`},
		"a name of 200 kB":      {labels.FromStrings(strings.Repeat("x", 200_000), "a"), "a label has a name of 200000 bytes, more than 2048"},
		"10,000 labels":         {many(10_000), "it has 10000 labels, more than 200"},
		"many long ones":        {labels.FromStrings("a", strings.Repeat("x", 2000), "b", strings.Repeat("x", 2000), "c", strings.Repeat("x", 2000), "d", strings.Repeat("x", 2000), "e", strings.Repeat("x", 2000), "f", strings.Repeat("x", 2000), "g", strings.Repeat("x", 2000), "h", strings.Repeat("x", 2000), "i", strings.Repeat("x", 2000)), "its labels have 18009 bytes, more than 16384"},
		"a value in Latin 1":    {labels.FromStrings("owner", "J\xfcrgen"), `label "owner" has a value that is not UTF-8`},
		"a name in Latin 1":     {labels.FromStrings("\xfcber", "x"), "a label has a name that is not UTF-8"},
		"a long name, in short": {labels.FromStrings(strings.Repeat("n", 1000), strings.Repeat("x", 3000)), `label "` + strings.Repeat("n", 64) + `… (1000 bytes)" has a value of 3000 bytes`},
	} {
		t.Run(name, func(t *testing.T) {
			got := LabelsProblem(c.ls)
			require.Equal(t, c.want == "", got == "", got)
			require.Contains(t, got, c.want)
			require.Less(t, len(got), 300)
		})
	}
}

func TestValues(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e300, math.MaxInt64} {
		require.False(t, ValidCount(v), v)
	}
	for _, v := range []float64{0, 1, 12.5, 1e9} {
		require.True(t, ValidCount(v), v)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), -1, 1e300} {
		require.True(t, math.IsNaN(KnownLoad(v)), v)
		require.True(t, math.IsNaN(KnownStart(v, 1_700_000_000_000)), v)
	}
	require.Equal(t, 0.5, KnownLoad(0.5))
	require.Equal(t, 1_700_000_000.0, KnownStart(1_700_000_000, 1_700_000_000_000))
	require.True(t, math.IsNaN(KnownStart(1_800_000_000, 1_700_000_000_000)), "years after the sample")
	require.True(t, math.IsNaN(KnownStart(0, 1_700_000_000_000)))
}

func TestBrief(t *testing.T) {
	require.Equal(t, "as it is", Brief("as it is", 8))
	require.Equal(t, "a b", Brief("a\nb", 10))
	require.Equal(t, " [31mred", Brief("\x1b[31mred", 20))
	require.Equal(t, "xxxx… (10 bytes)", Brief("xxxxxxxxxx", 4))
	require.True(t, utf8.ValidString(Brief("äöü\xff", 3)))
	require.Less(t, len(Brief(strings.Repeat("x", 1<<20), 100)), 200)
}
