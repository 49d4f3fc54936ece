package stack

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The same goroutines are the same stacks in each format.
func TestFormatsAgree(t *testing.T) {
	for _, program := range []string{"go126", "go126leak"} {
		proto, dump, text := Of(load(t, program+".pb.gz")), Of(load(t, program+".debug2.txt")), Of(load(t, program+".debug1.txt"))
		require.Greater(t, len(proto.Stacks), 35)
		require.Equal(t, counts(proto), counts(dump), "protocol buffer and debug=2")
		require.Empty(t, Diff(proto, dump))

		require.True(t, text.coarse())
		require.Equal(t, proto.Total, text.Total)
		require.Empty(t, Diff(proto, text), "protocol buffer and debug=1")
		require.Empty(t, Diff(text, dump), "debug=1 and debug=2")
		known := 0
		for sig, st := range text.Stacks {
			if !strings.HasSuffix(sig, "-any") {
				known++
				require.Contains(t, proto.Stacks, sig)
				require.Equal(t, proto.Stacks[sig].Count, st.Count, sig)
			}
		}
		require.Greater(t, known, 10, "operations that the standard library names")
	}
}

// Two builds, one with -trimpath and an experiment of the runtime, are the
// same program.
func TestBuildsAgree(t *testing.T) {
	a, b := Of(load(t, "go126.pb.gz")), Of(load(t, "go126leak.pb.gz"))
	require.Equal(t, counts(a), counts(b))
}

// Goroutines in the goroutineleak profile keep their signature.
func TestLeakedAreKnown(t *testing.T) {
	all, leaked := Of(load(t, "go126leak.pb.gz")), Of(load(t, "go126leak.leak.pb.gz"))
	require.NotEmpty(t, leaked.Stacks)
	for sig, st := range leaked.Stacks {
		require.Contains(t, all.Stacks, sig, "%s", st.Key.Func)
		require.Equal(t, st.Count, st.Leaked)
	}
	dump := Of(load(t, "go126leak.leak.debug2.txt"))
	var marked int64
	for sig, st := range dump.Stacks {
		if st.Leaked > 0 {
			require.Contains(t, leaked.Stacks, sig)
			require.Equal(t, leaked.Stacks[sig].Leaked, st.Leaked)
		}
		marked += st.Leaked
	}
	require.Equal(t, leaked.Total, marked)
}

func counts(s *Snapshot) map[string]int64 {
	m := make(map[string]int64, len(s.Stacks))
	for sig, st := range s.Stacks {
		m[sig] = st.Count
	}
	return maps.Clone(m)
}
