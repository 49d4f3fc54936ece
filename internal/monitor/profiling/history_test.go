package profiling

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// A process may live for just one profile. Profiles of another process do not count for it.
func TestProfilesThatCome(t *testing.T) {
	at := func(hours ...int) (list []storedProfile) {
		for _, h := range hours {
			list = append(list, storedProfile{ref: leak.ProfileRef{Time: noon.Add(time.Duration(h) * time.Hour)}, snapshot: &stack.Snapshot{}})
		}
		return list
	}
	for name, c := range map[string]struct {
		list []storedProfile
		want bool
	}{
		"none": {nil, false}, "one": {at(1), false}, "several": {at(1, 2), true}, "of the process before": {at(-2, -1, 1), false},
		"not read": {[]storedProfile{{ref: leak.ProfileRef{Time: noon.Add(time.Hour)}}, at(2)[0]}, false},
	} {
		s := withInstances("a")
		s.fleet.SetWatched([]trend.Instance{{Name: "a", Started: noon}})
		s.instance("a").profiles = c.list
		require.Equal(t, c.want, s.Available([]Suspect{{Instance: "a"}}), name)
	}
}
