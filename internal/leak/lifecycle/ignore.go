package lifecycle

import (
	"time"

	"github.com/gorowatch/gorowatch/leak"
)

// ignore applies the ignore rules to the open leaks. A firing leak that a rule matches counts as
// resolved.
func (t *Tracker) ignore(now time.Time) {
	for _, r := range t.open {
		l := &r.leak
		ignored, comment := false, ""
		for _, rule := range t.options.Ignore {
			if len(l.Stacks) > 0 && rule.Matches(now, t.service, l.Stacks[0]) {
				ignored, comment = true, rule.Comment
				break
			}
		}
		switch {
		case ignored && (l.State == leak.Firing || l.State == leak.Suspected):
			if l.State == leak.Firing && !l.DetectedAt.Equal(now) {
				l.ResolvedAt = now
			}
			l.Resolution = "ignored"
			if comment != "" {
				l.Resolution += ": " + comment
			}
			move(l, now, leak.Ignored, l.Resolution)
		case !ignored && l.State == leak.Ignored:
			move(l, now, leak.Suspected, "no rule ignores it any more")
			l.Resolution, l.ResolvedAt = "", time.Time{}
		}
	}
}
