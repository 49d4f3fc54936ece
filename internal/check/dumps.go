package check

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/diff"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// compare returns the stacks that grew between existing profiles. Of several earlier ones, the
// most goroutines of a stack count; of several later ones, the fewest. They may be of two
// processes with different goroutine ids, so only counts decide.
func (c *checker) compare(ctx context.Context, loader *diff.Loader) (*result, error) {
	start := time.Now()
	base, err := c.loadAll(ctx, loader, "base", c.Base)
	if err != nil {
		return nil, err
	}
	head, err := c.loadAll(ctx, loader, "head", c.Head)
	if err != nil {
		return nil, err
	}
	if !stack.Related(base.last, head.last) {
		c.log("these are profiles of different programs, it seems: they have no function in common")
	}
	grown := c.grownByCount(base, head)
	sortByGrowth(grown)
	for i := range grown {
		g := &grown[i]
		var before int64
		if st := base.peak[g.Signature]; st != nil {
			before = st.Leaked
		}
		g.proven = max(0, min(g.Leaked-before, g.Growth()))
	}
	r := c.result(base.last, head.last, grown, 0, time.Since(start))
	r.target, r.dumps = "", show(c.Base)+" → "+show(c.Head)
	return r, nil
}

// loadAll reads the profiles of one side.
func (c *checker) loadAll(ctx context.Context, loader *diff.Loader, side string, places []string) (*window, error) {
	w := &window{}
	for _, place := range places {
		s, err := loader.Load(ctx, place)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", side, err)
		}
		if s.Incomplete {
			return nil, fmt.Errorf("%s: %s: %w", side, diff.Show(place), diff.ErrIncomplete)
		}
		c.remark(diff.Show(place), s)
		w.add(s)
	}
	return w, nil
}

// show returns the places of one side without their secrets.
func show(places []string) string {
	out := make([]string, len(places))
	for i, p := range places {
		out[i] = diff.Show(p)
	}
	return strings.Join(out, ", ")
}
