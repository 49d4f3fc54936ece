package stack

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector/pprof"
)

// One builder for many profiles gives the same result for each as a builder of its own, and
// stores once what they share.
func TestBuilderKeepsProfilesApart(t *testing.T) {
	b := NewBuilder()
	var before *Snapshot
	for _, name := range []string{"go126.pb.gz", "go126.debug2.txt", "go126leak.leak.pb.gz", "go126.debug1.txt", "go126.pb.gz"} {
		f, err := os.Open("testdata/profiles/" + name)
		require.NoError(t, err)
		p, err := pprof.Read(f, time.Unix(1700000000, 0), pprof.Limits{}, b.Add)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		got, want := b.Snapshot(p), Of(load(t, name))
		require.Equal(t, want.Total, got.Total)
		require.Equal(t, want.Time, got.Time)
		require.Equal(t, counts(want), counts(got), name)
		for sig, st := range want.Stacks {
			require.Equal(t, st.Frames, got.Stacks[sig].Frames)
			require.Equal(t, st.Key, got.Stacks[sig].Key)
			require.Equal(t, st.Goroutines, got.Stacks[sig].Goroutines)
			require.Equal(t, st.Labels, got.Stacks[sig].Labels)
		}
		if name == "go126.pb.gz" {
			if before != nil {
				for sig, st := range before.Stacks {
					require.Same(t, &st.Frames[0], &got.Stacks[sig].Frames[0], "kept once")
				}
			}
			before = got
		}
	}
}
