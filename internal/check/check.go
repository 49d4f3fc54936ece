package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/diff"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// Options of Run. A zero field takes its default.
type Options struct {
	// Target is the URL of the target's goroutine profile, or gops://host:port
	// for its gops agent. Without a path it is /debug/pprof/goroutine.
	Target string
	// Client makes the requests. Default http.DefaultClient.
	Client *http.Client
	// Command and its arguments.
	Command []string
	// Repeat is how many times the command runs. A stack has leaked if it
	// grew each time; a pool that fills does not. Default 1.
	Repeat int
	// Settle is how long to wait for goroutines to end after the command, at
	// most. Default 30 s. If nothing ends for a third of it, what is left is
	// taken to stay, unless it sleeps, works or reads.
	Settle time.Duration
	// Interval is the time between two profiles while waiting. Default a
	// thirtieth of Settle, at least 100 ms, at most 2 s.
	Interval time.Duration
	// Allow is how many goroutines may stay. Default 0.
	Allow int64
	// Match looks only at stacks with a frame that matches, and Ignore
	// leaves out those with one that does: frames as "function file:line".
	Match, Ignore *regexp.Regexp
	// Format of the report on stdout, one of diff's. Default diff.FormatTable.
	Format string
	// JUnit is a file to write a report to that CI servers read. Default none.
	JUnit string
}

// Run does the check and writes the report to stdout. The command's output and
// what is happening meanwhile go to stderr. leaked tells that more goroutines
// stayed than are allowed. An error means that nothing can be said; a command
// that fails is one.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) (leaked bool, err error) {
	o, err = o.withDefaults()
	if err != nil {
		return false, err
	}
	loader := &diff.Loader{Client: o.Client}
	c := &checker{
		Options: o,
		profile: func(ctx context.Context) (*stack.Snapshot, error) { return loader.Load(ctx, o.Target) },
		command: func(ctx context.Context) error { return run(ctx, o.Command, stderr) },
		say:     func(format string, args ...any) { _, _ = fmt.Fprintf(stderr, "gorowatch: "+format+"\n", args...) },
	}
	res, err := c.check(ctx)
	if err != nil {
		return false, err
	}
	if o.JUnit != "" {
		data, err := res.junit()
		if err == nil {
			err = os.WriteFile(o.JUnit, data, 0o644)
		}
		if err != nil {
			return false, fmt.Errorf("JUnit report: %w", err)
		}
	}
	return res.Leaked, res.write(stdout, o.Format)
}

func (o Options) withDefaults() (Options, error) {
	u, err := url.Parse(o.Target)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "gops") || u.Host == "" {
		return o, errors.New("target: want the URL of a goroutine profile, such as http://127.0.0.1:8080/debug/pprof/goroutine")
	}
	if u.Scheme != "gops" && (u.Path == "" || u.Path == "/") {
		u.Path = "/debug/pprof/goroutine"
		o.Target = u.String()
	}
	if len(o.Command) == 0 {
		return o, errors.New("no command to run: put it behind --")
	}
	if o.Repeat < 0 || o.Allow < 0 || o.Settle < 0 || o.Interval < 0 {
		return o, errors.New("repeat, allow, settle and interval cannot be negative")
	}
	switch o.Format {
	case "", diff.FormatTable, diff.FormatJSON, diff.FormatMarkdown:
	default:
		return o, fmt.Errorf("no format %q", o.Format)
	}
	o.Repeat = cmp.Or(o.Repeat, 1)
	o.Settle = cmp.Or(o.Settle, 30*time.Second)
	o.Interval = cmp.Or(o.Interval, min(max(o.Settle/30, 100*time.Millisecond), 2*time.Second))
	return o, nil
}

// run runs a command to its end. If the context ends first, the command is
// interrupted, and killed when it does not take the hint.
func run(ctx context.Context, argv []string, out io.Writer) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("command %s: %w", human.Line(strings.Join(argv, " "), 100), err)
	}
	return nil
}

// checker does it, with the world behind functions.
type checker struct {
	Options
	profile func(context.Context) (*stack.Snapshot, error)
	command func(context.Context) error
	say     func(format string, args ...any)
}

func (c *checker) check(ctx context.Context) (*result, error) {
	start := time.Now()
	base, err := c.steady(ctx)
	if err != nil {
		return nil, err
	}
	c.say("%s before", human.Plural(base.Total, "goroutine", "goroutines"))
	last, suspects := base, []growth(nil)
	runs := 0
	for runs < c.Repeat {
		if runs++; c.Repeat > 1 {
			c.say("run %d of %d", runs, c.Repeat)
		}
		if err := c.command(ctx); err != nil {
			return nil, err
		}
		head, err := c.settle(ctx, last)
		if err != nil {
			return nil, err
		}
		c.say("%s after", human.Plural(head.Total, "goroutine", "goroutines"))
		suspects = c.grownAgain(suspects, last, head, base, runs == 1)
		last = head
		if len(suspects) == 0 {
			break // nothing is left that could grow each time
		}
	}
	return c.result(base, last, suspects, runs, time.Since(start)), nil
}

// growth is a stack that grew.
type growth struct {
	stack.Delta
	// stayed is how many goroutines it gained that did not come from another
	// stack of the same function.
	stayed int64
}

// grownAgain is the stacks that grew in the last run and all those before,
// with their growth since the beginning.
func (c *checker) grownAgain(before []growth, last, head, base *stack.Snapshot, first bool) []growth {
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

// grown is the stacks that are looked at and that grew. A goroutine that only
// stands elsewhere in its function than before has not come: growth counts as
// far as that of all goroutines that began with the same function.
func (c *checker) grown(base, head *stack.Snapshot) []growth {
	deltas := stack.Diff(base, head)
	net := map[string]int64{}
	for _, d := range deltas {
		net[root(d.Stack)] += d.Growth()
	}
	var out []growth
	for _, d := range deltas {
		if n := min(d.Growth(), net[root(d.Stack)]); n > 0 && c.wanted(d.Stack) {
			net[root(d.Stack)] -= n
			out = append(out, growth{d, n})
		}
	}
	return out
}

// root is the function that a stack's goroutines began with.
func root(s *stack.Stack) string {
	if len(s.Frames) == 0 {
		return ""
	}
	return s.Frames[len(s.Frames)-1].Func
}

func (c *checker) wanted(s *stack.Stack) bool {
	return (c.Match == nil || matches(c.Match, s)) && (c.Ignore == nil || !matches(c.Ignore, s))
}

func matches(re *regexp.Regexp, s *stack.Stack) bool {
	for _, f := range s.Frames {
		if re.MatchString(f.String()) {
			return true
		}
	}
	return s.CreatedBy.Func != "" && re.MatchString(s.CreatedBy.String())
}

// steady is a profile of the target at rest: the same as the one before it.
// If it does not come to rest, the last one has to do.
func (c *checker) steady(ctx context.Context) (*stack.Snapshot, error) {
	var last *stack.Snapshot
	for start := time.Now(); ; {
		s, err := c.take(ctx)
		if err != nil {
			return nil, err
		}
		if last != nil && !c.changed(last, s) {
			return s, nil
		}
		if last = s; time.Since(start) >= c.Settle {
			c.say("the target does not come to rest, even before the command")
			return s, nil
		}
		if err := pause(ctx, c.Interval); err != nil {
			return nil, err
		}
	}
}

func (c *checker) changed(a, b *stack.Snapshot) bool {
	for _, d := range stack.Diff(a, b) {
		if c.wanted(d.Stack) {
			return true
		}
	}
	return false
}

// passing tells whether a goroutine that waits so may well go on by itself.
func passing(op string) bool {
	switch op {
	case stack.Running, "sleep", "syscall", "IO wait":
		return true
	}
	return false
}

// settle takes profiles until nothing has grown since before, or no goroutine
// ended for a third of the time though none sleeps, works or reads, or the time
// is up. Of these it returns the
// one with the fewest goroutines more, so that one that comes and goes while
// the rest stays does not count.
func (c *checker) settle(ctx context.Context, before *stack.Snapshot) (*stack.Snapshot, error) {
	start := time.Now()
	var best *stack.Snapshot
	fewest, since := int64(0), start
	for {
		s, err := c.take(ctx)
		if err != nil && (ctx.Err() != nil || time.Since(start) >= c.Settle) {
			return nil, err
		}
		if err == nil {
			var n int64
			patience := c.Settle / 3
			for _, g := range c.grown(before, s) {
				n += g.stayed
				if passing(g.Op) {
					patience = c.Settle
				}
			}
			if best == nil || n < fewest {
				best, fewest, since = s, n, time.Now()
			}
			if n == 0 || time.Since(since) >= patience || time.Since(start) >= c.Settle {
				return best, nil
			}
		}
		// A target that is busy with the rest of the load may fail once.
		if err := pause(ctx, c.Interval); err != nil {
			return nil, err
		}
	}
}

func (c *checker) take(ctx context.Context) (*stack.Snapshot, error) {
	s, err := c.profile(ctx)
	if err == nil && s.Incomplete {
		err = diff.ErrIncomplete
	}
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	return s, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
