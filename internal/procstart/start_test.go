package procstart

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStart(t *testing.T) {
	const a = Time(1_772_366_400)
	unknown := Time(math.NaN())
	for name, c := range map[string]struct {
		s, other             Time
		same, differs, after bool
	}{
		"equal":                 {a, a, true, false, false},
		"wobbles by 2 s":        {a + 2, a, true, false, false},
		"wobbles back by 2 s":   {a - 2, a, true, false, false},
		"begins 2.1 s later":    {a + 2.1, a, false, true, true},
		"began 2.1 s before":    {a - 2.1, a, false, true, false},
		"begins an hour later":  {a + 3600, a, false, true, true},
		"unknown":               {unknown, a, false, false, false},
		"compared with unknown": {a, unknown, false, false, false},
		"both unknown":          {unknown, unknown, false, false, false},
		"zero is unknown":       {0, a, false, false, false},
		"both zero":             {0, 0, false, false, false},
		"infinite":              {Time(math.Inf(1)), a, false, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.same, c.s.Same(c.other))
			require.Equal(t, c.differs, c.s.Differs(c.other))
			require.Equal(t, c.after, c.s.After(c.other))
		})
	}
}

func TestAt(t *testing.T) {
	require.False(t, At(time.Time{}).Known())
	at := time.UnixMilli(1_772_366_400_250)
	require.Equal(t, Time(1_772_366_400.25), At(at))
	require.True(t, At(at).Same(At(at.Add(Tolerance))))
	require.False(t, At(at).Same(At(at.Add(Tolerance+time.Second))))
}
