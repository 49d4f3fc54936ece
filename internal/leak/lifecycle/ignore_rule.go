package lifecycle

import (
	"regexp"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/leak"
)

// IgnoreRule is a rule for leaks that must not alert. All fields that are set must match, and the
// patterns must match the whole name of a function.
type IgnoreRule struct {
	Matchers []*labels.Matcher // of the service's labels
	// Function matches any frame of the leading stack. Key matches its key frame.
	Function, Key *regexp.Regexp
	// CreatedBy matches the function that has the go statement, or the goroutine's first
	// function while no dump has shown the go statement.
	CreatedBy *regexp.Regexp
	Signature string
	Comment   string
	// Until is when the rule ends; zero: never.
	Until time.Time
}

// Matches reports whether the rule applies to a stack of the service at the time now.
func (i IgnoreRule) Matches(now time.Time, service labels.Labels, s leak.StackGrowth) bool {
	if !i.Until.IsZero() && !now.Before(i.Until) {
		return false
	}
	if !labels.Selector(i.Matchers).Matches(service) {
		return false
	}
	if i.Signature != "" && i.Signature != s.Signature {
		return false
	}
	if i.Key != nil && !i.Key.MatchString(s.Key.Func) {
		return false
	}
	if i.CreatedBy != nil {
		by := s.CreatedBy.Func
		if by == "" && len(s.Frames) > 0 {
			by = s.Frames[len(s.Frames)-1].Func
		}
		if !i.CreatedBy.MatchString(by) {
			return false
		}
	}
	if i.Function == nil {
		return true
	}
	for _, f := range s.Frames {
		if i.Function.MatchString(f.Func) {
			return true
		}
	}
	return false
}
