package leak

import (
	"regexp"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Ignore says which leaks nobody is to be told of. What is set of it has to
// match, the patterns as a whole.
type Ignore struct {
	Matchers []*labels.Matcher // of the service's labels
	// Function is that of any frame of the leading stack, Key that of its key
	// frame.
	Function, Key *regexp.Regexp
	// CreatedBy is the function with the go statement; where no dump has shown
	// it, the one that the goroutine began with.
	CreatedBy *regexp.Regexp
	Signature string
	Comment   string
	// Until is when the rule ends; zero: never.
	Until time.Time
}

// Matches reports whether the rule is for this stack of the service, at the time
// now.
func (i Ignore) Matches(now time.Time, service labels.Labels, s StackGrowth) bool {
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
