package archive

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// Two processes on one bucket find each other; one after another is fine.
func TestTwoProcessesOnOneBucket(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		if url == "mem://" {
			t.Skip("each has its own")
		}
		claim := func(a *Archive, id string, minute int) *Owner {
			t.Helper()
			other, err := a.Claim(t.Context(), "owner", Owner{ID: id, Host: "host-" + id, PID: 7, Seen: noon.Add(time.Duration(minute) * time.Minute), Every: time.Minute})
			require.NoError(t, err)
			return other
		}
		old := open(t, url, nil)
		require.Nil(t, claim(old, "old", 0))
		require.Nil(t, claim(old, "old", 1))
		// Killed, and started again at once.
		one := open(t, url, nil)
		require.Nil(t, claim(one, "one", 1))
		require.Nil(t, claim(one, "one", 2))
		require.Zero(t, testutil.ToFloat64(one.metrics.shared))

		two := open(t, url, nil)
		require.Nil(t, claim(two, "two", 2), "who was there may have ended")
		for minute := 3; minute < 6; minute++ {
			other := claim(one, "one", minute)
			require.NotNil(t, other)
			require.Equal(t, "host-two", other.Host)
			require.Equal(t, "one", claim(two, "two", minute).ID)
			require.Equal(t, 1.0, testutil.ToFloat64(one.metrics.shared))
			require.Equal(t, 1.0, testutil.ToFloat64(two.metrics.shared))
		}
		// The second one is late, and then it ends.
		for minute := 6; minute < 9; minute++ {
			require.NotNil(t, claim(one, "one", minute), minute)
		}
		require.NotNil(t, claim(two, "two", 9))
		for minute := 9; minute < 12; minute++ {
			require.NotNil(t, claim(one, "one", minute), minute)
		}
		require.Nil(t, claim(one, "one", 12))
		require.Zero(t, testutil.ToFloat64(one.metrics.shared))
	})
}

// One process claims every five seconds, the other once a minute. The first is not reported as
// alone in between.
func TestProcessesWithOtherIntervals(t *testing.T) {
	bucket := "file://" + t.TempDir()
	often, seldom := open(t, bucket, nil), open(t, bucket, nil)
	for second := 0; second < 240; second += 5 {
		seen := noon.Add(time.Duration(second) * time.Second)
		if second%60 == 0 {
			_, err := seldom.Claim(t.Context(), "owner", Owner{ID: "seldom", Seen: seen, Every: time.Minute})
			require.NoError(t, err)
		}
		other, err := often.Claim(t.Context(), "owner", Owner{ID: "often", Seen: seen, Every: 5 * time.Second})
		require.NoError(t, err)
		require.Equal(t, second >= 60, other != nil, second)
	}
}

func TestClaimOverWhatIsNoOwner(t *testing.T) {
	a := open(t, "mem://", nil)
	require.NoError(t, a.bucket().WriteAll(t.Context(), "owner.json", []byte("ours!"), nil))
	for range 2 {
		other, err := a.Claim(t.Context(), "owner", Owner{ID: "me"})
		require.NoError(t, err)
		require.Nil(t, other)
	}
}
