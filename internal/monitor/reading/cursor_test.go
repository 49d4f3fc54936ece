package reading

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// The size of a piece is bounded, however many series there are and however long the time is.
func TestPiecesAreBounded(t *testing.T) {
	o := Options{Interval: time.Minute, History: 7 * 24 * time.Hour, Block: time.Minute, Condensed: true}
	c := NewCursor()
	most := 0
	for c.now = noon; c.Behind(); {
		p := c.Next(noon, o)
		var n int
		if p.Block > 0 {
			n = int(p.To.Sub(p.From) / p.Block)
		} else {
			n = int(p.To.Sub(p.From) / time.Minute)
		}
		c.Advance(p, o)
		require.Positive(t, n)
		most = max(most, 10_000*n)
		c.Fed(p, o, 10_000*n)
	}
	require.LessOrEqual(t, most, PieceSamples)
}

func TestTruncate(t *testing.T) {
	require.Equal(t, time.Unix(7*300, 0), Truncate(time.Unix(7*300+299, 0), 5*time.Minute))
	require.Equal(t, time.Unix(7*300, 0), Truncate(time.Unix(7*300, 0), 5*time.Minute))
	require.False(t, math.Signbit(float64(Truncate(noon, 7*time.Second).Unix())))
}
