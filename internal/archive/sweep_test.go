package archive

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// ages returns the ages of an instance's profiles.
func (a *Archive) ages(t *testing.T, service labels.Labels, instance string, now time.Time) (out []time.Duration) {
	t.Helper()
	list, err := a.Profiles(t.Context(), service, instance)
	require.NoError(t, err)
	for _, ref := range list {
		out = append(out, now.Sub(ref.Time))
	}
	slices.Reverse(out)
	return out
}

func TestProfilesThinOutWithAge(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		const step = 20 * time.Minute
		for age := time.Duration(0); age <= 6*24*time.Hour; age += step {
			_, err := a.SaveProfile(t.Context(), shop, "a", noon.Add(-age), profile("1"))
			require.NoError(t, err)
		}
		other := "profiles/prod/shop/a/notes.txt"
		require.NoError(t, a.bucket().WriteAll(t.Context(), other, nil, nil))
		require.NoError(t, a.bucket().WriteAll(t.Context(), "profiles/readme", nil, nil))

		var want []time.Duration
		for age := time.Duration(0); age <= 2*time.Hour; age += step {
			want = append(want, age)
		}
		for age := 3 * time.Hour; age <= 48*time.Hour; age += time.Hour {
			want = append(want, age)
		}
		for age := 60 * time.Hour; age <= 5*24*time.Hour; age += 24 * time.Hour { // the first of each day
			want = append(want, age)
		}
		want = append(want, 5*24*time.Hour) // of its day, within the retention
		for range 2 {                       // a second sweep changes nothing
			require.NoError(t, a.Sweep(t.Context(), noon, 5*24*time.Hour, nil))
			require.Equal(t, want, a.ages(t, shop, "a", noon))
		}
		require.Contains(t, a.keys(t), other)
		require.Contains(t, a.keys(t), "profiles/readme")
	})
}

func TestWhatALeakNeedsStays(t *testing.T) {
	a := open(t, "file://"+t.TempDir(), nil)
	now := noon.Add(10 * 24 * time.Hour)
	mail, cart := labels.FromStrings("namespace", "prod", "job", "mail"), labels.FromStrings("namespace", "prod", "job", "cart")
	for _, service := range []labels.Labels{shop, mail, cart} {
		for age := 30 * time.Minute; age <= 9*24*time.Hour; age += 30 * time.Minute {
			_, err := a.SaveProfile(t.Context(), service, "a", now.Add(-age), profile("1"))
			require.NoError(t, err)
		}
	}
	open, over := aLeak("open"), aLeak("over")
	open.Onset, open.Base = now.Add(-3*24*time.Hour), nil
	over.Service, over.State, over.Onset, over.ResolvedAt = mail, leak.Resolved, now.Add(-5*24*time.Hour), now.Add(-4*24*time.Hour)
	over.Base = &leak.ProfileRef{Key: a.prefix(mail, "a") + now.Add(-8*24*time.Hour-30*time.Minute).Format(timeFormat) + suffix, Time: over.Onset}
	past := aLeak("past")
	past.State, past.ResolvedAt, past.Onset, past.Base = leak.Resolved, now.Add(-7*24*time.Hour), now.Add(-8*24*time.Hour), nil
	require.NoError(t, a.SaveLeak(t.Context(), over))
	require.NoError(t, a.SaveLeak(t.Context(), past))
	require.NoError(t, a.Sweep(t.Context(), now, 6*24*time.Hour, []leak.Leak{open}))

	count := func(service labels.Labels, from, to time.Duration) (n int) {
		for _, age := range a.ages(t, service, "a", now) {
			if age >= from && age <= to {
				n++
			}
		}
		return n
	}
	require.Equal(t, 2*(72+2), count(shop, 0, 74*time.Hour), "of an open leak all stays, from before its onset")
	require.Equal(t, 9, count(mail, 118*time.Hour, 122*time.Hour), "around the onset of one that is over")
	require.Equal(t, 1, count(mail, 8*24*time.Hour, 9*24*time.Hour), "and what it names, past the retention too")
	require.Equal(t, 1, count(cart, 110*time.Hour, 134*time.Hour), "other services thin out")
	require.Zero(t, count(cart, 6*24*time.Hour+time.Minute, 10*24*time.Hour))
	leaks, err := a.Leaks(t.Context())
	require.NoError(t, err)
	require.Len(t, leaks, 1)
	require.Equal(t, "over", leaks[0].ID, "resolved leaks stay for the retention")
}

// A bucket with a layout of other group labels is swept all the same.
func TestSweepOfOtherLayouts(t *testing.T) {
	a := open(t, "file://"+t.TempDir(), nil)
	for _, groupBy := range [][]string{{"job"}, {"namespace", "job"}, {"cluster", "namespace", "job"}} {
		a.GroupBy(groupBy)
		_, err := a.SaveProfile(t.Context(), shop, "a", noon, profile("1"))
		require.NoError(t, err)
	}
	a.GroupBy([]string{"namespace", "job"})
	require.NoError(t, a.Sweep(t.Context(), noon.Add(time.Hour), time.Minute, nil))
	require.Empty(t, a.keys(t))
}

// Dumps thin out like profiles, and do not replace each other.
func TestDumpsThinOutWithAge(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		const step = 20 * time.Minute
		var named leak.ProfileRef
		for age := time.Duration(0); age <= 6*24*time.Hour; age += step {
			ref, err := a.SaveDump(t.Context(), shop, "a", noon.Add(-age), profile("1"))
			require.NoError(t, err)
			if age == 100*time.Hour+step {
				named = ref
			}
			_, err = a.SaveProfile(t.Context(), shop, "a", noon.Add(-age-time.Minute), profile("1"))
			require.NoError(t, err)
		}
		l := leak.Leak{ID: "x", Service: shop, State: leak.Resolved, Onset: noon.Add(-200 * time.Hour), ResolvedAt: noon, Dumps: []leak.ProfileRef{named}}
		require.NoError(t, a.Sweep(t.Context(), noon, 5*24*time.Hour, []leak.Leak{l}))

		var ages []time.Duration
		for _, key := range a.keys(t) {
			if taken, ok := timeIn(key, dumpSuffix); ok {
				ages = append(ages, noon.Sub(taken))
			}
		}
		slices.Sort(ages)
		var want []time.Duration
		for age := time.Duration(0); age <= 2*time.Hour; age += step {
			want = append(want, age)
		}
		for age := 3 * time.Hour; age <= 48*time.Hour; age += time.Hour {
			want = append(want, age)
		}
		want = append(want, 60*time.Hour, 84*time.Hour, 100*time.Hour+step, 108*time.Hour, 5*24*time.Hour)
		require.Equal(t, want, ages)
		require.NotEmpty(t, a.ages(t, shop, "a", noon), "profiles are there, too")
	})
}
