package check

import (
	"context"
	"fmt"
	"net/url"

	"github.com/gorowatch/gorowatch/internal/diff"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// dumper returns a function that takes a dump that names each goroutine. It returns nil if
// the URL of the target asks for a format itself.
func dumper(l *diff.Loader, target string) func(context.Context) (*stack.Snapshot, error) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme == "gops" || u.Query().Has("debug") {
		return nil
	}
	q := u.Query()
	q.Set("debug", "2")
	u.RawQuery = q.Encode()
	return func(ctx context.Context) (*stack.Snapshot, error) { return l.Load(ctx, u.String()) }
}

// dumpLimit is the number of goroutines up to which a dump is taken. A dump stops the
// target for about 80 µs for each goroutine.
const dumpLimit = 1000

// takeProfile takes a profile of the target: a dump, which distinguishes goroutines, if
// there are few of them, else a profile that costs the target less.
func (c *checker) takeProfile(ctx context.Context) (*stack.Snapshot, error) {
	dump := c.dump != nil && c.size > 0 && c.size <= dumpLimit
	if !dump {
		s, err := c.load(ctx, c.profile)
		if err != nil {
			return nil, err
		}
		if c.size = s.Total; c.dump == nil || c.size > dumpLimit {
			return s, nil
		}
	}
	s, err := c.load(ctx, c.dump)
	if err == nil {
		c.size = s.Total
		return s, nil
	}
	s, profileErr := c.load(ctx, c.profile)
	if profileErr != nil {
		return nil, err
	}
	c.dump = nil // the target has no dumps
	return s, nil
}

// load takes one profile and fails if it is incomplete.
func (c *checker) load(ctx context.Context, get func(context.Context) (*stack.Snapshot, error)) (*stack.Snapshot, error) {
	s, err := get(ctx)
	if err == nil && s.Incomplete {
		err = diff.ErrIncomplete
	}
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	c.remark("target", s)
	return s, nil
}

// remark logs a profile's warnings, and what was stripped or assumed, once.
func (c *checker) remark(place string, s *stack.Snapshot) {
	for _, line := range diff.Remarks(s, c.Format) {
		if line = place + ": " + line; !c.remarked[line] {
			if c.remarked == nil {
				c.remarked = map[string]bool{}
			}
			c.remarked[line] = true
			c.log("%s", line)
		}
	}
}
