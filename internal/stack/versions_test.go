package stack

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Real profiles of one program by several versions of Go have the same signatures, except where
// a name does not show enough.
func TestGoVersionsAgree(t *testing.T) {
	want := Of(load(t, "go126.pb.gz"))
	// Before Go 1.21 a closure that came with an inlined function only had the name of the
	// function that it was inlined into.
	inlined := []string{"main.start.func", "main.start.(*T).Sender.func", "main.start.Sender.func", "main.start.sender.func", "main.start.value.closure.func"}
	// Before Go 1.23 there is no range over functions.
	const ranges = "main.since123.gowrap.ranger-range"
	for version, differ := range map[string][]string{
		"go119": append([]string{ranges}, inlined...),
		"go120": append([]string{ranges}, inlined...),
		"go121": {ranges},
		"go122": {ranges},
		"go123": nil,
		"go124": nil,
		"go125": nil,
		// From Go 1.27 on it has its own name. Before, a closure of another package that was
		// inlined into main looks like main's own, if the paths are trimmed and it is of no
		// other module.
		"go127": {"main.start.(*T).Sender.func", "main.start.Sender.func", "github.com/gorowatch/gorowatch/internal/stack/testdata/zoo/queue.(*T).Sender.func", "github.com/gorowatch/gorowatch/internal/stack/testdata/zoo/queue.Sender.func"},
	} {
		for _, format := range []string{".pb.gz", ".debug2.txt", ".debug1.txt"} {
			t.Run(version+format, func(t *testing.T) {
				got := Of(load(t, version+format))
				require.Greater(t, len(got.Stacks), 25)
				var differs []string
				for _, d := range Diff(want, got) {
					differs = append(differs, digitless(d.Key.Func))
				}
				slices.Sort(differs)
				slices.Sort(differ)
				require.Equal(t, differ, slices.Compact(differs))
			})
		}
	}
}

// digitless removes the digits at the end of a name, which number closures.
func digitless(name string) string {
	for _, cut := range []string{"gowrap1.ranger-range1"} {
		if i := len(name) - len(cut); i > 0 && name[i:] == cut {
			return name[:i] + "gowrap.ranger-range"
		}
	}
	for name != "" && name[len(name)-1] >= '0' && name[len(name)-1] <= '9' {
		name = name[:len(name)-1]
	}
	return name
}

// The garbage collector of Go 1.27 finds the same leaks as the experiment of
// Go 1.26.
func TestLeakedAgreeWithGo127(t *testing.T) {
	require.Equal(t, counts(Of(load(t, "go126leak.leak.pb.gz"))), counts(Of(load(t, "go127.leak.pb.gz"))))
	for _, format := range []string{".leak.debug1.txt", ".leak.debug2.txt"} {
		p := load(t, "go127"+format)
		require.NotZero(t, Of(p).Total)
	}
	marked := int64(0)
	for _, st := range Of(load(t, "go127.leak.debug2.txt")).Stacks {
		marked += st.Leaked
	}
	require.Equal(t, Of(load(t, "go127.leak.pb.gz")).Total, marked)
	// The labels in the header.
	labelled := 0
	for _, rec := range load(t, "go127.debug2.txt").Records {
		if rec.Labels["route"] == `/cart"]: {a, 3 minutes}` {
			labelled++
		}
	}
	require.Equal(t, 1, labelled, "two goroutines, which share it")
}
