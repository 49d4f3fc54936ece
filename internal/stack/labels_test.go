package stack

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	profiles "github.com/gorowatch/gorowatch/collector/pprof"
)

// TestCountLabelsOfThisProcess: Go's own profile has the labels, each with its goroutines.
func TestCountLabelsOfThisProcess(t *testing.T) {
	stop := make(chan struct{})
	ready := make(chan struct{})
	const n = 50
	for i := range n {
		method := "/cart.Cart/Watch"
		if i < 3 {
			method = "/cart.Cart/Get"
		}
		go pprof.Do(context.Background(), pprof.Labels("method", method, "tenant", "acme"), func(context.Context) {
			ready <- struct{}{}
			<-stop
		})
	}
	for range n {
		<-ready
	}
	time.Sleep(50 * time.Millisecond)
	var b bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&b, 0))
	close(stop)
	p, err := profiles.Parse(&b, time.Now(), profiles.Limits{})
	require.NoError(t, err)

	build := NewBuilder()
	build.CountLabels(HashLabels([]byte("secret"), []string{"method"}))
	for i := range p.Records {
		require.NoError(t, build.Add(p.Format, &p.Records[i]))
	}
	hashed := HashLabels([]byte("secret"), nil)("tenant", "acme")
	found := false
	for _, st := range build.Snapshot(p).Stacks {
		if st.Op == "chan receive" && st.ByLabel[Label{"method", "/cart.Cart/Watch"}] == n-3 {
			found = true
			require.EqualValues(t, 3, st.ByLabel[Label{"method", "/cart.Cart/Get"}])
			require.EqualValues(t, n, st.ByLabel[Label{"tenant", hashed}])
		}
	}
	require.True(t, found)
	for _, st := range Of(p).Stacks {
		require.Empty(t, st.ByLabel, "labels are counted on request alone")
	}
}

func TestHashLabels(t *testing.T) {
	text := HashLabels([]byte("secret"), []string{"method"})
	require.Equal(t, "/a", text("method", "/a"))
	require.Regexp(t, "^#[0-9a-f]{8}$", text("tenant", "acme"))
	require.Equal(t, text("tenant", "acme"), text("tenant", "acme"))
	require.NotEqual(t, text("tenant", "acme"), text("tenant", "other"))
	require.NotEqual(t, text("tenant", "acme"), text("user", "acme"), "two keys with one value do not show that")
	require.NotEqual(t, text("tenant", "acme"), HashLabels([]byte("other"), nil)("tenant", "acme"))
}

// TestManyLabelsTakeNoMemory: labels are bounded in number and length. The first values, which
// are the most frequent, are counted in full.
func TestManyLabelsTakeNoMemory(t *testing.T) {
	b := NewBuilder()
	b.CountLabels(func(_, value string) string { return value })
	all := 0
	for round := range 2 {
		for s := range 200 {
			for v := range 40 {
				rec := collector.Record{Count: 1, State: "chan send", Frames: []*collector.Frame{{Func: fmt.Sprintf("main.f%d", s), File: "m.go", Line: 1}}, Labels: map[string]string{"first": "same"}}
				for k := range 12 {
					rec.Labels[fmt.Sprintf("key%02d", k)] = strings.Repeat("v", 500) + fmt.Sprint(v)
				}
				rec.Labels["id"] = fmt.Sprint(v)
				require.NoError(t, b.Add(collector.FormatDebug2, &rec))
			}
		}
		all = 0
		for _, st := range b.Snapshot(&collector.Profile{}).Stacks {
			perKey := map[string]int{}
			for l, n := range st.ByLabel {
				perKey[l.Key]++
				require.LessOrEqual(t, len(l.Value), maxLabelText)
				if l.Key == "first" {
					require.EqualValues(t, 40, n)
				}
			}
			require.LessOrEqual(t, len(perKey), maxLabelKeys)
			for _, n := range perKey {
				require.LessOrEqual(t, n, maxLabelValues)
			}
			all += len(st.ByLabel)
		}
		require.Equal(t, maxLabelsCounted, all, "round %d", round)
	}
}
