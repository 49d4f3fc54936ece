package alerting

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

func TestGauges(t *testing.T) {
	suspected, ignored := checkout(), checkout()
	suspected.State, ignored.State = leak.Suspected, leak.Ignored
	odd := checkout()
	odd.ID, odd.Leaked, odd.Rate.Value = "odd", 5, 0
	odd.PlateauedAt = detected
	odd.Service = labels.FromStrings("job", "a\xffb", "leak", "mine", "stack", "theirs", "__meta", "x", "k8s.pod/name é", "世界")
	leaks := []leak.Leak{checkout(), resolved(), suspected, ignored, odd}
	o := RenderOptions{Limit: 10_000}
	reg := prometheus.NewPedanticRegistry()
	require.NoError(t, reg.Register(NewGauges(func() []leak.Leak { return leaks }, func() RenderOptions { return o })))
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP gorowatch_leaks Known leaks, by state. Resolved leaks count for a day.
# TYPE gorowatch_leaks gauge
gorowatch_leaks{state="firing"} 1
gorowatch_leaks{state="ignored"} 1
gorowatch_leaks{state="plateaued"} 1
gorowatch_leaks{state="resolved"} 1
gorowatch_leaks{state="suspected"} 1
# HELP gorowatch_leak_goroutines Goroutines leaked, on all instances.
# TYPE gorowatch_leak_goroutines gauge
gorowatch_leak_goroutines{job="checkout",leak="3f9c2a7b",namespace="prod"} 1904
gorowatch_leak_goroutines{job="a�b","k8s.pod/name é"="世界",leak="odd",stack="theirs"} 5
# HELP gorowatch_leak_evidence Evidence of a leak: 1 growth, 2 stack, 3 aged, 4 proven.
# TYPE gorowatch_leak_evidence gauge
gorowatch_leak_evidence{job="checkout",leak="3f9c2a7b",namespace="prod"} 3
gorowatch_leak_evidence{job="a�b","k8s.pod/name é"="世界",leak="odd",stack="theirs"} 3
# HELP gorowatch_leak_onset_timestamp_seconds When a leak began.
# TYPE gorowatch_leak_onset_timestamp_seconds gauge
gorowatch_leak_onset_timestamp_seconds{job="checkout",leak="3f9c2a7b",namespace="prod"} 1.77246013e+09
gorowatch_leak_onset_timestamp_seconds{job="a�b","k8s.pod/name é"="世界",leak="odd",stack="theirs"} 1.77246013e+09
`), "gorowatch_leaks", "gorowatch_leak_goroutines", "gorowatch_leak_evidence", "gorowatch_leak_onset_timestamp_seconds"))
	n, err := testutil.GatherAndCount(reg, "gorowatch_leak_time_to_limit_seconds")
	require.NoError(t, err)
	require.Equal(t, 1, n, "what does not grow has no time")

	leaks = nil
	n, err = testutil.GatherAndCount(reg)
	require.NoError(t, err)
	require.Equal(t, len(states)+1, n, "the series of a leak go with it")

	for range maxGauged + 7 {
		l := checkout()
		l.ID = strings.Repeat("x", len(leaks)+1)
		leaks = append(leaks, l)
	}
	n, err = testutil.GatherAndCount(reg, "gorowatch_leak_goroutines")
	require.NoError(t, err)
	require.Equal(t, maxGauged, n)
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP gorowatch_leaks_omitted Firing leaks without series of their own because there are too many. The slowest are left out.
# TYPE gorowatch_leaks_omitted gauge
gorowatch_leaks_omitted 7
`), "gorowatch_leaks_omitted"))
}

// Each leak has a few stacks with series of their own. Stacks at one place share a series. The
// series disappear with the leak.
func TestGaugesOfStacks(t *testing.T) {
	l := library()
	l.Stacks = append(l.Stacks, l.Stacks[1]) // another path to the same line
	l.Stacks[2].Head = 7
	nameless := leak.StackGrowth{Op: "select", Head: 5}
	beyond := leak.StackGrowth{Key: collector.Frame{Func: "main.beyond"}, Head: 4}
	l.Stacks = append(l.Stacks, nameless, beyond, l.Stacks[0])
	l.Stacks[5].Head = 1000
	leaks := []leak.Leak{l}
	reg := prometheus.NewPedanticRegistry()
	require.NoError(t, reg.Register(NewGauges(func() []leak.Leak { return leaks }, func() RenderOptions { return RenderOptions{} })))
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP gorowatch_leak_stack_goroutines Goroutines in each of the three stacks of a leak that grow most, in the latest profile of the instance that shows it best.
# TYPE gorowatch_leak_stack_goroutines gauge
gorowatch_leak_stack_goroutines{job="checkout",leak="3f9c2a7b",namespace="prod",stack="main.(*Cron).subscribe.func1 cron.go:33"} 2503
gorowatch_leak_stack_goroutines{job="checkout",leak="3f9c2a7b",namespace="prod",stack="main.(*Cron).dial cron.go:50"} 210
gorowatch_leak_stack_goroutines{job="checkout",leak="3f9c2a7b",namespace="prod",stack="select"} 5
`), "gorowatch_leak_stack_goroutines"))

	leaks[0].Stacks = nil
	n, err := testutil.GatherAndCount(reg, "gorowatch_leak_stack_goroutines")
	require.NoError(t, err)
	require.Zero(t, n)
}
