package journal

import (
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// digest returns a text that changes when a leak needs a new document and a line in the log. One more
// goroutine is not enough.
func digest(l leak.Leak) string {
	stack := ""
	if len(l.Stacks) > 0 {
		stack = l.Stacks[0].Signature
	}
	l.UpdatedAt = l.UpdatedAt.Truncate(time.Hour)
	l.Rate = trend.Interval{Value: coarse(l.Rate.Value)}
	l.Leaked, l.Share = coarse(l.Leaked), 0
	l.Confidence, l.Parts = 0, nil
	l.Watched = slices.Clone(l.Watched)
	for i := range l.Watched {
		w := &l.Watched[i]
		w.Baseline, w.Leaked, w.PeakOnStacks = coarse(w.Baseline), coarse(w.Leaked), 0
	}
	if l.Memory != nil {
		l.Memory = &leak.Memory{Instance: l.Memory.Instance, Used: coarse(l.Memory.Used), Limit: l.Memory.Limit, PerHour: coarse(l.Memory.PerHour)}
	}
	l.Base, l.Head, l.Stacks = nil, nil, []leak.StackGrowth{{Signature: stack}}
	text, err := json.Marshal(l)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// coarse rounds to a power of two.
func coarse(x float64) float64 {
	if x <= 0 {
		return 0
	}
	return math.Exp2(math.Round(math.Log2(x)))
}
