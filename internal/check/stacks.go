package check

import (
	"regexp"

	"github.com/gorowatch/gorowatch/internal/stack"
)

// grownAgain returns the stacks that grew in the last run and in all runs before, with
// their growth since the beginning.
func (c *checker) grownAgain(before []growth, last, head, base *window, first bool) []growth {
	grew, known := map[string]bool{}, map[string]bool{}
	for _, g := range c.grown(last, head) {
		grew[g.Signature] = true
	}
	for _, g := range before {
		known[g.Signature] = true
	}
	var out []growth
	for _, g := range c.grown(base, head) {
		if grew[g.Signature] && (first || known[g.Signature]) {
			out = append(out, g)
		}
	}
	return out
}

// root returns the first function of a stack's goroutines. For a closure it returns the
// function around it: one signature may combine several closures of a function, and its frames
// are those of one of them.
func root(s *stack.Stack) string {
	if len(s.Frames) == 0 {
		return ""
	}
	return closure.ReplaceAllString(s.Frames[len(s.Frames)-1].Func, ".func")
}

// closure matches the compiler's numbers of closures.
var closure = regexp.MustCompile(`(\.func\d+|\.gowrap\d+|\.\d+|-range\d+)+$`)

// isWanted reports whether Match and Ignore select a stack.
func (c *checker) isWanted(s *stack.Stack) bool {
	return (c.Match == nil || matches(c.Match, s)) && (c.Ignore == nil || !matches(c.Ignore, s))
}

// matches reports whether a frame of the stack matches.
func matches(re *regexp.Regexp, s *stack.Stack) bool {
	for _, f := range s.Frames {
		if re.MatchString(f.String()) {
			return true
		}
	}
	return s.CreatedBy.Func != "" && re.MatchString(s.CreatedBy.String())
}
