package pages

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// TestPick checks that the profiles from before the onset and from now are picked at first.
func TestPick(t *testing.T) {
	ref := func(hour int, instance string) leak.ProfileRef {
		return leak.ProfileRef{Key: fmt.Sprintf("%s-%d", instance, hour), Instance: instance, Time: at.Add(time.Duration(hour) * time.Hour)}
	}
	for name, c := range map[string]struct {
		refs       []leak.ProfileRef
		onset      int // hour, 0: there is none
		base, head string
	}{
		"no profile":                      {onset: 3},
		"one profile":                     {refs: []leak.ProfileRef{ref(1, "a")}, onset: 3, head: "a-1"},
		"no leak":                         {refs: []leak.ProfileRef{ref(1, "a"), ref(2, "b"), ref(3, "a")}, base: "b-2", head: "a-3"},
		"before the onset":                {refs: []leak.ProfileRef{ref(1, "a"), ref(2, "a"), ref(4, "a"), ref(5, "a")}, onset: 3, base: "a-2", head: "a-5"},
		"of the same instance":            {refs: []leak.ProfileRef{ref(1, "a"), ref(2, "b"), ref(4, "a")}, onset: 3, base: "a-1", head: "a-4"},
		"of another one if there is none": {refs: []leak.ProfileRef{ref(1, "c"), ref(2, "b"), ref(4, "a")}, onset: 3, base: "b-2", head: "a-4"},
		"all after the onset":             {refs: []leak.ProfileRef{ref(4, "a"), ref(5, "a"), ref(6, "a")}, onset: 3, base: "a-4", head: "a-6"},
	} {
		t.Run(name, func(t *testing.T) {
			var p pickerPart
			for i := len(c.refs) - 1; i >= 0; i-- {
				p.Profiles = append(p.Profiles, pickRow{Key: c.refs[i].Key})
			}
			var onset time.Time
			if c.onset > 0 {
				onset = at.Add(time.Duration(c.onset) * time.Hour)
			}
			p.pick(c.refs, onset)
			var base, head string
			for _, r := range p.Profiles {
				if r.Base {
					base += r.Key
				}
				if r.Head {
					head += r.Key
				}
			}
			require.Equal(t, c.base, base)
			require.Equal(t, c.head, head)
		})
	}
}
