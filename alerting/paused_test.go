package alerting

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Between the end of the leaking processes and the end of the leak, an alert mentions no growth
// or limits of processes that have ended.
func TestAlertOfALeakWithoutALeakingProcess(t *testing.T) {
	l := checkout()
	l.Rate, l.Leaked, l.Instances = trend.Interval{}, 0, nil
	l.Memory = nil
	require.Equal(t, "no leaking process is running now", Pause(l))
	o := render()
	o.Limit = 1000 // the head profile of a process that has ended had more
	a := Render(l, Warning, o).Annotations
	require.Equal(t, "no leaking process is running now, 0 leaked, on 0 of 8 instances", a["growth"])
	require.Equal(t, "does not grow now", a["projection"])
	require.Contains(t, a["summary"], "prod/checkout leaked since 14:02 UTC in main.logHandler.func1")
	require.Contains(t, a["description"], "prod/checkout  leaked since 14:02 UTC (v1.42.0), 97 % in one stack; no leaking process is running now\n")
	require.Contains(t, a["description"], "\n0 of 8 instances")
	require.NotContains(t, a["description"], "+0 goroutines")

	l.Leaked, l.Instances = 120, []string{"10.0.0.9:8080"}
	a = Render(l, Warning, o).Annotations
	require.Equal(t, "growth not measured yet, 120 leaked, on 1 of 8 instances: 10.0.0.9:8080", a["growth"])
	require.Contains(t, a["summary"], "prod/checkout holds 120 leaked goroutines since 14:02 UTC")
	require.Contains(t, a["description"], "prod/checkout  120 leaked goroutines since 14:02 UTC (v1.42.0), 97 % in one stack; growth not measured yet\n")
	require.Equal(t, "does not grow now", a["projection"])

	for name, l := range map[string]leak.Leak{"grows": checkout(), "plateaued": plateaued(), "resolved": resolved()} {
		require.Empty(t, Pause(l), name)
	}
	// A resolved leak without any further data.
	l = resolved()
	l.Rate, l.Instances, l.InstancesTotal = trend.Interval{}, nil, 0
	a = Render(l, Warning, o).Annotations
	require.Contains(t, a["summary"], "prod/checkout leaked since 14:02 UTC")
	require.Contains(t, a["description"], "prod/checkout  leaked since 14:02 UTC")
	require.Equal(t, "none now, 0 leaked, on no instance", a["growth"])
	require.Contains(t, a["description"], "\nno instance\n")
}

// The limit of a process counts only while that process runs.
func TestProjectionIsOfAProcessThatLives(t *testing.T) {
	l := checkout()
	l.Memory = nil
	l.Instances, l.InstancesTotal = []string{"a", "b"}, 2
	l.Rate, l.Leaked = trend.Interval{Value: 100}, 400
	l.Head = &leak.ProfileRef{Instance: "b", Total: 950}
	l.Stacks = []leak.StackGrowth{{Key: collector.Frame{Func: "main.f"}}}
	o := RenderOptions{Limit: 1000}
	require.Equal(t, "1,000 goroutines per instance in about 60 min", Projection(l, o))
	l.Instances = []string{"a"} // b has ended
	l.Rate, l.Leaked = trend.Interval{Value: 50}, 200
	require.Equal(t, "1,000 goroutines in about 16 h", Projection(l, o))
}
