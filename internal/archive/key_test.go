package archive

import (
	"path"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

// Values that are too long for a file name are cut, and a hash keeps them different. Others
// stay as they are.
func TestLongNames(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		fits := strings.Repeat("x", maxSegment)
		keys := map[string]bool{}
		for _, name := range []string{fits, fits + "y", fits + "z", strings.Repeat("店", 100), strings.Repeat("店", 101), strings.Repeat("/", 300)} {
			for _, service := range []labels.Labels{labels.FromStrings("namespace", name, "job", name)} {
				ref, err := a.SaveProfile(t.Context(), service, name, noon, profile("1"))
				require.NoError(t, err)
				require.LessOrEqual(t, len(ref.Key), 1024)
				require.False(t, keys[ref.Key])
				keys[ref.Key] = true
				segments := strings.Split(path.Dir(ref.Key), "/")
				require.Len(t, segments, 4)
				for _, s := range segments {
					require.LessOrEqual(t, len(s), maxSegment)
					require.NotRegexp(t, "%.?~|%[^0-9A-F]", s, "no half of an escape")
				}
				list, err := a.Profiles(t.Context(), service, name)
				require.NoError(t, err)
				require.Len(t, list, 1)
			}
		}
		require.True(t, keys["profiles/"+fits+"/"+fits+"/"+fits+"/20260301T120000Z.pb.gz"])
	})
}

// Keys are valid for any number of group labels.
func TestKeysOfManyLabels(t *testing.T) {
	a := open(t, "mem://", nil)
	var names []string
	b := labels.NewScratchBuilder(20)
	for i := range 20 {
		names = append(names, string(rune('a'+i)))
		b.Add(names[i], strings.Repeat("long", 100))
	}
	a.GroupBy(names)
	ref, err := a.SaveProfile(t.Context(), b.Labels(), "instance", noon, profile("1"))
	require.NoError(t, err)
	require.LessOrEqual(t, len(ref.Key), 1024)
}
