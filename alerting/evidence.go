package alerting

import (
	"fmt"
	"math"
	"strings"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// evidence says how sure gorowatch is, and what the next step of evidence needs.
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
		if s := longestBlocked(l); s.Wait > 0 {
			b.WriteString(", " + blocked(s, l.UpdatedAt))
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

// Confidence returns the confidence of a leak in percent, rounded down: "97 %".
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

// longestBlocked returns the stack whose goroutines have been blocked for longest. Without a
// Wait, that is not known.
func longestBlocked(l leak.Leak) (longest leak.StackGrowth) {
	for _, s := range l.Stacks {
		if s.Wait > longest.Wait {
			longest = s
		}
	}
	return longest
}
