package lives

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const minute = 60_000

// of makes lives that follow one another, each of the given number of minutes.
func of(n int, length int64, slope float64) (all []Life) {
	for i := range int64(n) {
		all = append(all, Life{First: i * length * minute, Last: (i + 1) * length * minute, Slope: slope * (1 + 0.02*float64(i%3)), SE: slope/10 + 0.001, Level: 100})
	}
	return all
}

func TestJudge(t *testing.T) {
	for name, x := range map[string]struct {
		lives []Life
		want  Answer
	}{
		"too few":                  {of(4, 700, 0.1), TooFew},
		"too short a time":         {of(8, 100, 0.5), NoTrend},
		"all grow":                 {of(8, 700, 0.1), Grows},
		"none grows":               {of(8, 700, 0), NoTrend},
		"always at the same hours": {every(8, 1440, 600, 0.1), SameHours},
	} {
		t.Run(name, func(t *testing.T) {
			f := Judge(x.lives, minute)
			require.Equal(t, x.want, f.Answer)
			if x.want == Grows {
				require.InDelta(t, 0.1, f.Slope, 0.01)
				require.Positive(t, f.Half)
			}
		})
	}
}

// every makes lives that begin a given number of minutes apart.
func every(n int, apart, length int64, slope float64) (all []Life) {
	for i := range int64(n) {
		all = append(all, Life{First: i * apart * minute, Last: (i*apart + length) * minute, Slope: slope, SE: slope / 10, Level: 100})
	}
	return all
}
