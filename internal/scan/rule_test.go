package scan

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

func TestParseRule(t *testing.T) {
	for in, want := range map[string]Rule{
		"go_goroutines > 1000 for 10m":              {"go_goroutines > 1000", 10 * time.Minute},
		"go_goroutines > 1000":                      {"go_goroutines > 1000", 0},
		" up == 0   for  1h30m ":                    {" up == 0", 90 * time.Minute},
		"up == 0 for 0s":                            {"up == 0", 0},
		"up == 0\n  for 2d\n":                       {"up == 0", 48 * time.Hour},
		`x{a="wait for 5m"} > 1`:                    {`x{a="wait for 5m"} > 1`, 0},
		`x{a="wait for 5m"} > 1 for 1m`:             {`x{a="wait for 5m"} > 1`, time.Minute},
		"avg_over_time(x[5m]) > 1 for 15s":          {"avg_over_time(x[5m]) > 1", 15 * time.Second},
		"wait_for_seconds > 1":                      {"wait_for_seconds > 1", 0},
		"deriv(go_goroutines[1h]) > 0.01 for 10m":   {"deriv(go_goroutines[1h]) > 0.01", 10 * time.Minute},
		"min_over_time(x[1h] offset 1d) > 2 for 1w": {"min_over_time(x[1h] offset 1d) > 2", 7 * 24 * time.Hour},
	} {
		got, err := ParseRule(in)
		require.NoError(t, err, "%q", in)
		require.Equal(t, want, got, "%q", in)
		again, err := ParseRule(got.String())
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	for in, want := range map[string]string{
		"":                "has no expression",
		"  ":              "has no expression",
		"for 5m":          "has no expression",
		" for 5m":         "has no expression",
		"up == 0 for":     `has no duration after "for"`,
		"up == 0 for ten": `"ten" is not a duration`,
		"up == 0 for 10":  `"10" is not a duration`,
		"up == 0 for -5m": `"-5m" is not a duration`,
	} {
		_, err := ParseRule(in)
		require.ErrorContains(t, err, want, "%q", in)
	}
}

// stream has a value at the given minutes.
func stream(metric model.Metric, minutes ...int) *model.SampleStream {
	s := &model.SampleStream{Metric: metric}
	for _, m := range minutes {
		s.Values = append(s.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(minute(m).UnixNano()), Value: model.SampleValue(math.NaN())})
	}
	return s
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

// A rule "for 3m" that is true at minutes 1 to 5: pending at 1, firing at 4,
// resolved at 6.
func TestAlertsAreThoseOfPrometheus(t *testing.T) {
	type span [2]int
	const now = -1
	for name, c := range map[string]struct {
		hold  time.Duration
		there []int
		want  []span
	}{
		"at once":               {0, []int{1}, []span{{1, 2}}},
		"held":                  {3 * time.Minute, []int{1, 2, 3, 4, 5}, []span{{4, 6}}},
		"not quite":             {3 * time.Minute, []int{1, 2, 3}, nil},
		"a gap begins anew":     {3 * time.Minute, []int{1, 2, 3, 5, 6, 7}, nil},
		"twice":                 {time.Minute, []int{1, 2, 3, 5, 6, 8}, []span{{2, 4}, {6, 7}}},
		"fires at the end":      {time.Minute, []int{7, 8, 9, 10}, []span{{8, now}}},
		"less than a step":      {30 * time.Second, []int{1, 2}, []span{{2, 3}}},
		"gone at the very last": {time.Minute, []int{7, 8, 9}, []span{{8, 10}}},
	} {
		t.Run(name, func(t *testing.T) {
			var want []firing
			for _, s := range c.want {
				f := firing{minute(s[0]).UnixMilli(), ongoing}
				if s[1] != now {
					f.to = minute(s[1]).UnixMilli()
				}
				want = append(want, f)
			}
			metric := model.Metric{"__name__": "x", "job": "a"}
			whole := newAlerts(Rule{"x", c.hold}, time.Minute)
			require.NoError(t, whole.add(model.Matrix{stream(metric, c.there...)}))
			whole.finish(minute(10))
			// Windows make no difference.
			parts := newAlerts(Rule{"x", c.hold}, time.Minute)
			for _, m := range c.there {
				require.NoError(t, parts.add(model.Matrix{stream(metric, m)}))
			}
			parts.finish(minute(10))
			for _, a := range []*alerts{whole, parts} {
				require.Len(t, a.series, 1)
				for _, s := range a.series {
					require.Equal(t, want, s.firings)
					require.Equal(t, labels.FromStrings("job", "a"), s.labels, "alerts have no name")
				}
			}
		})
	}
}

func TestRuleIsBounded(t *testing.T) {
	a := newAlerts(Rule{"x", 0}, time.Minute)
	var m model.Matrix
	for i := range maxRuleSeries + 1 {
		m = append(m, stream(model.Metric{"i": model.LabelValue(rune(i + 0x10000))}, 1))
	}
	require.ErrorContains(t, a.add(m), "more than 10000 series")

	a = newAlerts(Rule{"x", 0}, time.Minute)
	a.firings = maxRuleFirings
	require.ErrorContains(t, a.add(model.Matrix{stream(nil, 1)}), "fires more than 1000000 times")
}

// ParseRule reads what String writes, and loses nothing of the expression.
func FuzzParseRule(f *testing.F) {
	f.Add("go_goroutines > 1000 for 10m")
	f.Add("x for for 5m")
	f.Add(`{a="for 5m"} for 0s`)
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRule(s)
		if err != nil {
			return
		}
		require.GreaterOrEqual(t, r.For, time.Duration(0))
		require.True(t, strings.HasPrefix(s, r.Expr), "%q of %q", r.Expr, s)
		require.NotEmpty(t, strings.TrimSpace(r.Expr))
		if r.For > 0 {
			again, err := ParseRule(r.String())
			require.NoError(t, err)
			require.Equal(t, r, again)
		}
	})
}
