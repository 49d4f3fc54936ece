package promapi

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

// The states are summed over the instances of the service alone.
func TestScheduler(t *testing.T) {
	srv, s := real(t, func(o *Options) { o.Selector = `{env="prod"}` })
	for i := range 11 {
		srv.Append(t, t0.Add(time.Duration(i)*time.Minute), map[string]float64{
			`go_sched_goroutines_waiting_goroutines{env="prod",job="a",instance="1"}`:       10,
			`go_sched_goroutines_waiting_goroutines{env="prod",job="a",instance="2"}`:       20,
			`go_sched_goroutines_running_goroutines{env="prod",job="a",instance="1"}`:       2,
			`go_sched_goroutines_not_in_go_goroutines{env="prod",job="a",instance="1"}`:     1,
			`go_sched_goroutines_created_goroutines_total{env="prod",job="a",instance="1"}`: 600 * float64(i),
			`go_sched_goroutines_waiting_goroutines{env="dev",job="a",instance="1"}`:        1000,
			`go_sched_goroutines_waiting_goroutines{env="prod",job="b",instance="1"}`:       1000,
			`go_goroutines{env="prod",job="c",instance="1"}`:                                5,
		})
	}
	now := t0.Add(10 * time.Minute)
	x, ok, err := s.Scheduler(t.Context(), labels.FromStrings("job", "a"), []string{"namespace", "job"}, now)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, []float64{30, 2, 1}, []float64{x.Waiting, x.Running, x.NotInGo})
	require.True(t, math.IsNaN(x.Runnable))
	require.InDelta(t, 10, x.Created, 1e-9)
	_, ok, err = s.Scheduler(t.Context(), labels.FromStrings("job", "c"), []string{"namespace", "job"}, now)
	require.NoError(t, err)
	require.False(t, ok)
}
