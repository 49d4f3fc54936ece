package apiv1

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

var at = time.Date(2026, 3, 2, 22, 59, 30, 0, time.UTC)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStarts distinguishes a deploy from a crash.
func TestStarts(t *testing.T) {
	begin := at.Add(-10 * time.Hour)
	span := query.Span{From: begin, To: at}
	var all []collector.InstanceHistory
	for i := range 4 {
		in := collector.NewInstanceHistory(labels.FromStrings("instance", fmt.Sprint(i)), 100)
		for k := range in.Start {
			in.Start[k] = seconds(begin.Add(-time.Hour))
			if k >= 30 { // all within six minutes
				in.Start[k] = seconds(begin.Add(3*time.Hour + time.Duration(i)*2*time.Minute))
			}
			if i == 2 && k >= 70 { // one by itself
				in.Start[k] = seconds(begin.Add(7 * time.Hour))
			}
		}
		in.Start[50] = math.NaN()
		in.Start[51]++ // exporters wobble
		all = append(all, in)
	}
	restarts, deploys := processStarts(all, span)
	require.Equal(t, []v1.Deploy{{Time: seconds(begin.Add(3 * time.Hour)), Instances: 4}}, deploys)
	require.Equal(t, []v1.Restart{{Time: seconds(begin.Add(7 * time.Hour)), Instance: "2"}}, restarts)
}

// TestThinned: few profiles are counted. They are spread over all, and include those that the
// leak is compared by.
func TestThinned(t *testing.T) {
	refs := make([]leak.ProfileRef, 1000)
	for i := range refs {
		refs[i].Key = fmt.Sprint(i)
	}
	l := leak.Leak{Base: &refs[501], Head: &refs[999]}
	require.Equal(t, refs[:maxLoaded], sampleProfiles(refs[:maxLoaded], l), "few are left as they are")
	thin := sampleProfiles(refs, l)
	require.LessOrEqual(t, len(thin), maxLoaded)
	require.Contains(t, thin, refs[501])
	require.Equal(t, refs[999], thin[len(thin)-1])
	last := -1
	for _, ref := range thin {
		i, err := strconv.Atoi(ref.Key)
		require.NoError(t, err)
		require.Greater(t, i, last, "in order")
		require.LessOrEqual(t, i-max(last, 0), 1000/(maxLoaded-2)+1, "without a gap")
		last = i
	}
}

func TestFileName(t *testing.T) {
	for key, want := range map[string]string{
		"profiles/prod/checkout/10.0.3.17%3A8080/20260302T140000Z.pb.gz":  "10.0.3.17-3A8080_20260302T140000Z.pb.gz",
		"profiles/prod/checkout/a\"b\r\n;c/x.pb.gz":                       "a-b---c_x.pb.gz",
		"profiles/prod/checkout/ü/x.pb.gz":                                "-_x.pb.gz",
		"profiles/x/" + strings.Repeat("y", 200) + "/20260302T140000Z.gz": strings.Repeat("y", 100) + "_20260302T140000Z.gz",
	} {
		require.Equal(t, want, fileName(key))
	}
}

// TestFit: the line has the slope of the verdict and lies on the floor of the
// latest process since the onset.
func TestFit(t *testing.T) {
	begin := at.Add(-10 * time.Hour)
	h := collector.History{Start: begin, Step: time.Minute, Steps: 600}
	in := collector.NewInstanceHistory(labels.FromStrings("instance", "a"), h.Steps)
	for i := range h.Steps {
		now := begin.Add(time.Duration(i) * h.Step)
		in.Min[i], in.Start[i] = 1e6, seconds(begin)
		if i >= 120 { // another process
			in.Min[i], in.Start[i] = 100+now.Sub(begin.Add(2*time.Hour)).Hours()*60, seconds(begin.Add(2*time.Hour))
		}
	}
	grows := trend.InstanceTrend{Rate: trend.Interval{Value: 60, Low: 50, High: 70}, Onset: begin.Add(time.Hour)}
	f, ok := fit(h, in, nil, grows, true)
	require.True(t, ok)
	require.InDelta(t, seconds(begin.Add(2*time.Hour)), f.From, 0, "the earlier process does not count")
	require.InDelta(t, seconds(begin.Add(599*time.Minute)), f.To, 0)
	require.EqualValues(t, 60, f.PerHour.Value)
	require.InDelta(t, 100+60*(f.At-f.From)/3600, f.Level, 1e-6, "on the floor in the middle")

	resolved := &leak.Leak{State: leak.Resolved, Rate: trend.Interval{Value: 90}, Instances: []string{"a", "b", "c"}, Onset: begin.Add(3 * time.Hour), ResolvedAt: begin.Add(5 * time.Hour)}
	f, ok = fit(h, in, resolved, grows, true)
	require.True(t, ok)
	require.EqualValues(t, 30, f.PerHour.Value, "its part of the rate of the leak")
	require.InDelta(t, seconds(resolved.Onset), f.From, 0)
	require.InDelta(t, seconds(resolved.ResolvedAt), f.To, 0)

	for name, c := range map[string]struct {
		leaking bool
		grows   trend.InstanceTrend
		history collector.InstanceHistory
	}{
		"not leaking":  {false, grows, in},
		"no growth":    {true, trend.InstanceTrend{Onset: grows.Onset}, in},
		"no onset":     {true, trend.InstanceTrend{Rate: grows.Rate}, in},
		"onset is now": {true, trend.InstanceTrend{Rate: grows.Rate, Onset: at}, in},
		"no samples":   {true, grows, collector.NewInstanceHistory(labels.EmptyLabels(), h.Steps)},
	} {
		_, ok := fit(h, c.history, nil, c.grows, c.leaking)
		require.False(t, ok, name)
	}
}
