package why

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/trend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// One row an instance, of the block length that decides; the rest are numbers.
func TestOneRowAnInstance(t *testing.T) {
	out := Of([]trend.Assessment{
		{Instance: "calm", Scale: time.Minute, Status: trend.Quiet, Gate: trend.GateNoTrend, Decides: true},
		{Instance: "young", Scale: time.Minute, Decides: true},
		{Instance: "grows", Scale: time.Minute, Status: trend.Quiet, Gate: trend.GateTooSmall},
		{
			Instance: "grows", Scale: time.Hour, Status: trend.Suspicious, Gate: trend.GateTransient, Decides: true, Confidence: 0.3, Wait: 3 * time.Hour,
			Reasons: &trend.Reasons{
				Length: 2 * time.Hour, Ratio: 0.8, Other: "transient", OtherLength: 90 * time.Minute, OtherRatio: 1.2, Learned: true,
				Explanations: []trend.Explanation{{Name: "transient", Probability: 0.68}, {Name: "leak", Probability: 0.3}, {Name: "pile_up", Probability: 0.02}},
				Parts:        []trend.Part{{Name: "frequency", LogOdds: -1.5}, {Name: "length_and_size", LogOdds: 0.6}, {Name: "shape", LogOdds: 0.1}, {Name: "rest", LogOdds: 0}},
			},
		},
	})
	require.Len(t, out.Instances, 2)
	require.Len(t, out.Numbers, 3)
	require.Equal(t, Instance{
		Name: "grows", Status: "suspicious",
		Help: "verdicts/transient", Sentence: "Growing for 2 h, by 80 % of what ran before: a rise that comes back 68 %, a leak 30 %, requests that pile up 2 %. A rise that comes back usually: 90 min, adding 120 %, as this service did before. Certain after at least 3 more hours of the same growth.",
		Parts: "−0.8 = frequency −1.5, length and size +0.6, shape +0.1, rest +0.0",
	}, out.Instances[0])
	require.Equal(t, Instance{Name: "calm", Status: "quiet", Help: "verdicts/no_trend", Sentence: "The floor does not rise."}, out.Instances[1])
}

// A service with many instances is shown in part.
func TestManyInstances(t *testing.T) {
	var all []trend.Assessment
	for range 100 {
		all = append(all, trend.Assessment{Instance: "x", Status: trend.Quiet, Decides: true})
	}
	out := Of(all)
	require.Len(t, out.Instances, maxInstances)
	require.Equal(t, 50, out.LeftInstances)
	require.Equal(t, 40, out.LeftNumbers)
}
