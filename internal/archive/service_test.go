package archive

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

func TestProfilesOfAServiceOldestFirst(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		save := func(service labels.Labels, instance string, taken time.Time) leak.ProfileRef {
			ref, err := a.SaveProfile(t.Context(), service, instance, taken, profile("x"))
			require.NoError(t, err)
			ref.Total = 0
			return ref
		}
		later := save(shop, "10.0.0.1:80", noon.Add(time.Hour))
		first := save(shop, "10.0.0.2/a b", noon)
		nameless := save(shop, "", noon.Add(2*time.Hour))
		save(shop, "10.0.0.1:80", noon.Add(-time.Second))
		save(shop, "10.0.0.1:80", noon.Add(2*time.Hour+time.Second))
		save(labels.FromStrings("namespace", "prod", "job", "shopping"), "10.0.0.3:80", noon)

		got, err := a.ServiceProfiles(t.Context(), shop, noon, noon.Add(2*time.Hour))
		require.NoError(t, err)
		require.Equal(t, []leak.ProfileRef{first, later, nameless}, got)
	})
}
