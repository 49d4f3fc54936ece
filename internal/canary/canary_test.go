package canary

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process makes a process that has run for a number of minutes; count returns its goroutines at
// each age.
func process(name string, minutes int, count func(age float64) float64) Process {
	r := rand.New(rand.NewPCG(1, uint64(minutes)))
	p := Process{Instance: name}
	for i := range minutes {
		p.Floors = append(p.Floors, math.Round(count(float64(i))+r.NormFloat64()))
	}
	return p
}

func flat(float64) float64      { return 60 }
func leaks(age float64) float64 { return 60 + 8*age }
func warms(age float64) float64 { return 20 + 120*(1-math.Exp(-age/12)) }

func TestCompare(t *testing.T) {
	old := []Process{process("old-1", 600, flat), process("old-2", 900, flat)}
	warm := []Process{process("old-1", 600, warms)}
	for name, x := range map[string]struct {
		after, before []Process
		want          Verdict
		reason        string
	}{
		"nothing new":                 {nil, old, Undecided, "no process has started since"},
		"just started":                {[]Process{process("a", 5, leaks)}, old, Undecided, "have to be watched for longer"},
		"leaks":                       {[]Process{process("a", 20, leaks), process("b", 18, leaks)}, old, Fail, "no process before did so"},
		"leaks after ten minutes":     {[]Process{process("a", 14, leaks)}, old, Fail, ""},
		"a quiet one, for long":       {[]Process{process("a", 31, flat)}, old, Pass, "none of 1 new process grows"},
		"a quiet one, not for long":   {[]Process{process("a", 15, flat)}, old, Undecided, "1 of 1 new process"},
		"warms up as before":          {[]Process{process("a", 15, warms)}, warm, Undecided, "as processes before did"},
		"has warmed up":               {[]Process{process("a", 90, warms)}, warm, Pass, ""},
		"warms up, the first version": {[]Process{process("a", 90, warms)}, nil, Pass, ""},
		"one of many leaks":           {[]Process{process("a", 31, leaks), process("b", 31, flat), process("c", 31, flat)}, old, Undecided, "1 of 3 new processes grow"},
		"leaks beyond a leak before":  {[]Process{process("a", 31, func(age float64) float64 { return 60 + 40*age })}, []Process{process("o", 40, leaks)}, Fail, ""},
		"leaks as the version before": {[]Process{process("a", 31, leaks)}, []Process{process("o", 40, leaks)}, Undecided, "as processes before did"},
		"no samples":                  {[]Process{{Instance: "a", Floors: make([]float64, 0)}}, old, Undecided, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := Compare(x.after, x.before, 30*time.Minute)
			require.Equal(t, x.want, r.Verdict, r.Reasons)
			require.NotEmpty(t, r.Reasons)
			all := ""
			for _, s := range r.Reasons {
				all += s + "\n"
			}
			require.Contains(t, all, x.reason)
		})
	}
}
