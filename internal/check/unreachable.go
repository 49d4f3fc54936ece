package check

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// leakFetcher returns a function that takes the target's goroutineleak profile: the
// goroutines that its garbage collector cannot reach. It returns nil for a gops agent,
// which has none.
func leakFetcher(client *http.Client, target string) func(context.Context) (*stack.Snapshot, error) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme == "gops" {
		return nil
	}
	// Signatures of debug=1 differ from the others, which are all the same.
	debug, _ := strconv.Atoi(u.Query().Get("debug"))
	if debug != 1 {
		debug = 0
	}
	fetcher := pprof.New(pprof.Options{})
	return func(ctx context.Context) (*stack.Snapshot, error) {
		p, err := fetcher.Fetch(ctx, cmp.Or(client, http.DefaultClient), u, collector.KindGoroutineLeak, debug)
		if err != nil {
			return nil, err
		}
		return stack.Of(p), nil
	}
}

// unreachable has the goroutines that the garbage collector of the target cannot reach. They
// never end, so one that the command started is a proven leak.
type unreachable struct {
	// fetch takes a goroutineleak profile; nil: the target has none.
	fetch func(context.Context) (*stack.Snapshot, error)
	// before is the number of each signature before the command.
	before map[string]int64
	// most is the largest number of each signature in the profiles since. A profile may
	// miss some that an earlier one had (golang/go#79452), and those still cannot end.
	most map[string]int64
}

// askBefore asks for the goroutines that are unreachable before the command. If there are
// any it asks twice, because one answer may miss some. A target without the profile is not
// asked again.
func (c *checker) askBefore(ctx context.Context) {
	u := &c.unreachable
	u.before, u.most = map[string]int64{}, map[string]int64{}
	if u.fetch == nil {
		return
	}
	err := u.ask(ctx, u.before)
	if err == nil && len(u.before) > 0 {
		err = u.ask(ctx, u.before)
	}
	if err == nil {
		return
	}
	u.fetch = nil
	if reason := collector.ReasonOf(err); reason != collector.ReasonNotFound && reason != collector.ReasonNotProfile && ctx.Err() == nil {
		c.log("no proof by the garbage collector of the target: %v", err)
	}
}

// askAfter asks again after the command. A target that fails may answer the next time.
func (c *checker) askAfter(ctx context.Context) {
	if c.unreachable.fetch == nil {
		return
	}
	if err := c.unreachable.ask(ctx, c.unreachable.most); err != nil && ctx.Err() == nil {
		c.log("no proof by the garbage collector of the target this time: %v", err)
	}
}

// ask takes a profile and raises the largest number of each signature.
func (u *unreachable) ask(ctx context.Context, most map[string]int64) error {
	s, err := u.fetch(ctx)
	if err != nil {
		return err
	}
	for sig, st := range s.Stacks {
		most[sig] = max(most[sig], st.Count)
	}
	return nil
}

// proven returns how many of the goroutines by which a stack grew are unreachable.
func (c *checker) proven(d stack.Delta) int64 {
	u := &c.unreachable
	return max(0, min(u.most[d.Signature]-u.before[d.Signature], d.Growth()))
}

// prove takes a profile right after the command and asks which goroutines of the stacks that
// grew are unreachable. It returns only those, and the profile: there is no need to wait for
// them. Goroutines that grew in number and are unreachable came with the command, even if the
// earlier profile missed some that were unreachable then.
func (c *checker) prove(ctx context.Context, base *window) ([]growth, *stack.Snapshot) {
	if c.unreachable.fetch == nil {
		return nil, nil
	}
	c.size = 0 // the load may have left many
	s, err := c.takeProfile(ctx)
	if err != nil {
		return nil, nil // it is busy with the rest of the load
	}
	var grown []stack.Delta
	for _, d := range stack.Diff(&stack.Snapshot{Stacks: base.peak}, s) {
		if d.Growth() > 0 && c.isWanted(d.Stack) {
			grown = append(grown, d)
		}
	}
	if len(grown) == 0 {
		return nil, nil
	}
	c.askAfter(ctx)
	var out []growth
	for _, d := range grown {
		if n := c.proven(d); n > 0 {
			d.Head = d.Base + n
			out = append(out, growth{Delta: d, proven: n})
		}
	}
	return out, s
}

// markProven asks a last time which of the goroutines that stayed are unreachable: those that
// waited for a timeout after the command may be by now.
func (c *checker) markProven(ctx context.Context, stayed []growth) {
	if len(stayed) == 0 {
		return
	}
	c.askAfter(ctx)
	for i := range stayed {
		stayed[i].proven = c.proven(stayed[i].Delta)
	}
}

// total returns the number of goroutines by which stacks grew.
func total(grown []growth) (n int64) {
	for _, g := range grown {
		n += g.Growth()
	}
	return n
}

// logProof says why the check ends without waiting.
func (c *checker) logProof(proven []growth) {
	c.log("%s unreachable for the garbage collector of the target: nothing else is waited for", human.Plural(total(proven), "new goroutine is", "new goroutines are"))
}
