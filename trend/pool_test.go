package trend

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Sums of floats depend on the order of their terms. So the order must not depend on the names, nor
// on which of the loads are known.
func TestOrderOfAPoolIsThatOfItsMembers(t *testing.T) {
	const minute = 60_000
	unknown := float32(math.NaN())
	members := []*segment{
		{first: minute, last: 100 * minute, count: 10, load: 2},
		{first: minute, last: 100 * minute, count: 10, load: unknown},
		{first: minute, last: 100 * minute, count: 10, load: 1},
		{first: minute, last: 100 * minute, count: 10, load: unknown},
		{first: minute, last: 100 * minute, count: 10, load: 3e-7},
		{first: minute, last: 100 * minute, count: 10.5, load: unknown},
		{first: minute, last: 100 * minute, count: 10, load: 1e-7},
		{first: minute + 1, last: 100 * minute, count: 3, load: unknown},
	}
	want := "[10/NaN 10/NaN 10/1e-07 10/3e-07 10/1 10/2 10.5/NaN 3/NaN]"
	for turn := range members {
		for _, step := range []int{1, 3, 5, 7} { // other orders of the names
			var in []*instance
			for i := range members {
				in = append(in, &instance{name: fmt.Sprint(i), seg: members[(turn+step*i)%len(members)]})
			}
			var p pool
			p.gather(in, minute)
			var got []string
			for _, g := range p.members {
				got = append(got, fmt.Sprintf("%g/%g", g.count, g.load))
			}
			require.Equal(t, want, fmt.Sprint(got), "turn %d, step %d", turn, step)
		}
	}
}
