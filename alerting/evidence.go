package alerting

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// evidence says how sure we are, and what the next step of evidence is missing.
func evidence(l leak.Leak) string {
	var b strings.Builder
	b.WriteString(string(l.Evidence) + ": ")
	switch l.Evidence {
	case leak.Growth:
		b.WriteString("the goroutine counts grow and do not come back")
	case leak.Stack:
		fmt.Fprintf(&b, "from profile to profile the same %s without falling back", grows(len(l.Stacks)))
		if l.Share > 0 {
			fmt.Fprintf(&b, ", %s of the growth", human.Percent(l.Share))
		}
	case leak.Aged:
		b.WriteString("these goroutines stay")
		if w := longestWait(l); w > 0 {
			b.WriteString(", blocked up to " + human.Duration(w))
		}
	case leak.Proven:
		b.WriteString("the garbage collector found these goroutines unreachable")
	}
	if l.Confidence > 0 {
		b.WriteString(". " + Confidence(l) + " sure of a leak")
	}
	if l.Missing != "" && l.Evidence != leak.Proven {
		b.WriteString(". No further evidence: " + strings.TrimSuffix(l.Missing, "."))
	}
	return inertLine(b.String(), maxEvidence)
}

// Confidence is the confidence of a leak in percent, rounded down: "97 %".
func Confidence(l leak.Leak) string {
	return fmt.Sprintf("%.0f %%", math.Floor(100*l.Confidence))
}

// grows is "stack grows" or "3 stacks grow".
func grows(stacks int) string {
	if stacks == 1 {
		return "stack grows"
	}
	return human.Count(int64(stacks)) + " stacks grow"
}

// longestWait is the longest time that a goroutine of the leak has been blocked, 0
// if it is not known.
func longestWait(l leak.Leak) (w time.Duration) {
	for _, s := range l.Stacks {
		w = max(w, s.Wait)
	}
	return w
}
