package web

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/trend"
)

// TestWhy: every verdict has a sentence of its own, with the numbers that it is
// about.
func TestWhy(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []struct {
		reason
		want string
	}{
		{reason{status: trend.Quiet, gate: trend.GateTooLittle, wait: 10 * time.Minute}, "there are too few samples yet (needs at least 10 more minutes)"},
		{reason{status: trend.Quiet, gate: trend.GateTooLittle}, "there are too few samples yet"},
		{reason{status: trend.Quiet, gate: trend.GateTooSmall}, "the growth is within the noise, below 8 goroutines, or below 5 % of the count"},
		{reason{status: trend.Quiet, gate: trend.GateNoTrend}, "the floor does not rise"},
		{reason{status: trend.Quiet, gate: trend.GateFollowsLoad}, "the count follows the load"},
		{reason{status: trend.Quiet, gate: trend.GateOneStep}, "it rose in one step, or in two or three"},
		{reason{status: trend.Quiet, gate: trend.GateCameBack}, "it rose and came back"},
		{reason{status: trend.Quiet}, "it does nothing that healthy services do not do"},
		{reason{status: trend.Suspicious, gate: trend.GateTooShort, wait: 20 * time.Minute}, "growing, but not for long enough to be sure (needs at least 20 more minutes)"},
		{reason{status: trend.Suspicious, gate: trend.GateTooShort, wait: 5 * time.Hour}, "growing, but not for long enough to be sure (needs at least 5 more hours)"},
		{reason{status: trend.Suspicious, gate: trend.GateTooShort, wait: 50 * time.Hour}, "growing, but not for long enough to be sure (needs at least 2 more days)"},
		{reason{status: trend.Suspicious, gate: trend.GateTooShort, wait: time.Second}, "growing, but not for long enough to be sure (needs at least 1 more second)"},
		{reason{status: trend.Suspicious, gate: trend.GateTooShort}, "growing, but since before the time that was judged; longer blocks of samples decide"},
		{reason{status: trend.Suspicious, gate: trend.GateUncertain, z: 4.6, needZ: 10}, "growing, but not clearly enough beyond the noise (4.6 standard errors of the 10 needed)"},
		{reason{status: trend.Suspicious, gate: trend.GateFollowsLoad, wait: 3 * time.Hour}, "growing, but the service became busier as well (needs at least 3 more hours)"},
		{reason{status: trend.Suspicious, gate: trend.GateFollowsLoad}, "growing, but the load or the time of day explains at least half of it"},
		{reason{status: trend.Suspicious, gate: trend.GateCameBack}, "it leaked, and the goroutines are gone; it is watched for 12 h in case they return"},
		{reason{status: trend.Provisional, gate: trend.GateSaturating}, "growing, but ever more slowly, as a pool that fills up"},
		{reason{status: trend.Leaking}, "it grows and does not come back"},
		{reason{status: trend.Plateaued, gate: trend.GateNoTrend}, "it no longer grows, and what leaked is still there"},
	} {
		require.Equal(t, c.want, why(c.reason))
		require.False(t, seen[c.want], "%s: of two verdicts", c.want)
		seen[c.want] = true
	}
}

// What a real verdict says is on the page of its service: for how long a leak
// that has just begun still has to grow.
func TestWhyOfARealVerdict(t *testing.T) {
	s := trend.NewService(trend.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	start := at.Add(-1500 * time.Minute)
	var v trend.Verdict
	for m := range 1500 {
		now := start.Add(time.Duration(m) * time.Minute)
		s.Observe("a", trend.Sample{T: now.UnixMilli(), Count: 100 + 2*r.ExpFloat64() + max(0, float64(m-1440))*0.5, Load: 1, Start: 1})
		v = s.Judge(now)
	}
	require.Equal(t, trend.Suspicious, v.Status)
	require.Positive(t, v.Wait)
	watched := Service{Labels: labels.FromStrings("job", "a"), Status: v.Status, Gate: v.Gate, Z: v.Z, NeedZ: v.NeedZ, Wait: v.Wait}
	o := options(&state{services: []Service{watched}, explain: s.Explain()})
	want := fmt.Sprintf("growing, but not for long enough to be sure (needs at least %.0f more minutes)", v.Wait.Minutes())
	open := visit(t, o)
	for _, path := range []string{"/services", "/services/" + serviceID(watched.Labels), "/api/v1/services"} {
		require.Contains(t, body(t, open(httptest.NewRequest("GET", path, nil))), want, path)
	}
}
