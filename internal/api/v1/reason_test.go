package v1

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/trend"
)

// TestReason: every verdict has its own sentence, with its numbers.
func TestReason(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []struct {
		Reason
		want string
	}{
		{Reason{Status: trend.Quiet, Gate: trend.GateTooLittle, Wait: 10 * time.Minute}, "there are too few samples yet (needs at least 10 more minutes)"},
		{Reason{Status: trend.Quiet, Gate: trend.GateTooLittle}, "there are too few samples yet"},
		{Reason{Status: trend.Quiet, Gate: trend.GateTooSmall}, "the growth is within the noise, below 8 goroutines, or below 5 % of the count"},
		{Reason{Status: trend.Quiet, Gate: trend.GateNoTrend}, "the floor does not rise"},
		{Reason{Status: trend.Quiet, Gate: trend.GateFollowsLoad}, "the count follows the load"},
		{Reason{Status: trend.Quiet, Gate: trend.GateOneStep}, "it rose in one step, or in two or three"},
		{Reason{Status: trend.Quiet, Gate: trend.GateCameBack}, "it rose and came back"},
		{Reason{Status: trend.Quiet}, "it does nothing that healthy services do not do"},
		{Reason{Status: trend.Suspicious, Gate: trend.GateTooShort, Wait: 20 * time.Minute}, "growing, but not for long enough to be sure (needs at least 20 more minutes)"},
		{Reason{Status: trend.Suspicious, Gate: trend.GateTooShort, Wait: 5 * time.Hour}, "growing, but not for long enough to be sure (needs at least 5 more hours)"},
		{Reason{Status: trend.Suspicious, Gate: trend.GateTooShort, Wait: 50 * time.Hour}, "growing, but not for long enough to be sure (needs at least 2 more days)"},
		{Reason{Status: trend.Suspicious, Gate: trend.GateTooShort, Wait: time.Second}, "growing, but not for long enough to be sure (needs at least 1 more second)"},
		{Reason{Status: trend.Suspicious, Gate: trend.GateTooShort}, "growing, but since before the time that was judged; longer blocks of samples decide"},
		{Reason{Status: trend.Suspicious, Gate: trend.GateUncertain, Confidence: 0.8}, "growing, but not clearly enough beyond the noise; 80 % sure of a leak"},
		{Reason{Status: trend.Suspicious, Gate: trend.GateTransient, Confidence: 0.62, Wait: 3 * time.Hour}, "growing, but rises of this size and length usually come back; 62 % sure of a leak (needs at least 3 more hours)"},
		{Reason{Status: trend.Provisional, Gate: trend.GateWarmingUp, Confidence: 0.2}, "growing since its start, as a process that warms up; 20 % sure of a leak"},
		{Reason{Status: trend.Suspicious, Gate: trend.GatePileUp, Confidence: 0.4}, "growing fast, as requests pile up that wait for something slow; 40 % sure of a leak"},
		{Reason{Status: trend.Suspicious, Gate: trend.GateDailyCycle, Confidence: 0.1}, "growing, but the service has not been watched for a whole day yet; 10 % sure of a leak"},
		{Reason{Status: trend.Suspicious, Gate: trend.GateFollowsLoad}, "growing, but the load or the time of day explains at least half of it"},
		{Reason{Status: trend.Suspicious, Gate: trend.GateCameBack}, "it leaked, and the goroutines are gone; it is watched for 12 h in case they return"},
		{Reason{Status: trend.Provisional, Gate: trend.GateSaturating}, "growing, but perhaps only until a pool or cache is full"},
		{Reason{Status: trend.Leaking}, "it grows and does not come back"},
		{Reason{Status: trend.Plateaued, Gate: trend.GateNoTrend}, "it no longer grows, but the leaked goroutines are still there"},
	} {
		require.Equal(t, c.want, c.Text())
		require.False(t, seen[c.want], "%s: of two verdicts", c.want)
		seen[c.want] = true
	}
}
