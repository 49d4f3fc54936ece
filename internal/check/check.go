package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/backoff"
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
	// Wait is how long to wait for a target that is not up yet. Default: it
	// must be up.
	Wait time.Duration
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
		dump:    dumper(loader, o.Target),
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

// dumper takes a dump that names each goroutine; nil: the target is asked for
// what its URL says.
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

func (o Options) withDefaults() (Options, error) {
	u, err := url.Parse(o.Target)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "gops") || u.Host == "" {
		return o, fmt.Errorf("--target: want the URL of a goroutine profile, such as http://127.0.0.1:8080/debug/pprof/goroutine, got %q", withoutLogin(o.Target))
	}
	if u.Scheme != "gops" && (u.Path == "" || u.Path == "/") {
		u.Path = "/debug/pprof/goroutine"
		o.Target = u.String()
	}
	if len(o.Command) == 0 {
		return o, errors.New("no command to run: put it behind --")
	}
	for _, f := range []struct {
		name     string
		value    any
		negative bool
		expected string
	}{
		{"repeat", o.Repeat, o.Repeat < 0, "a number such as 3"},
		{"allow", o.Allow, o.Allow < 0, "a number such as 0"},
		{"settle", o.Settle, o.Settle < 0, "a duration such as 30s"},
		{"wait", o.Wait, o.Wait < 0, "a duration such as 30s, or 0s"},
		{"interval", o.Interval, o.Interval < 0, "a duration such as 1s"},
	} {
		if f.negative {
			return o, fmt.Errorf("--%s: %v cannot be negative, expected %s", f.name, f.value, f.expected)
		}
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

// withoutLogin is a target that is no URL, without the password that it may hold.
func withoutLogin(target string) string {
	if at := strings.LastIndexByte(target, '@'); at >= 0 {
		return "…" + target[at:]
	}
	return target
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
	// dump is a profile that names each goroutine; nil: there is none.
	dump    func(context.Context) (*stack.Snapshot, error)
	command func(context.Context) error
	say     func(format string, args ...any)
	// size is the number of goroutines in the latest profile, 0 if not known.
	size int64
}

func (c *checker) check(ctx context.Context) (*result, error) {
	start := time.Now()
	if err := c.await(ctx); err != nil {
		return nil, err
	}
	base, err := c.steady(ctx)
	if err != nil {
		return nil, err
	}
	c.say("%s before", human.Plural(base.last.Total, "goroutine", "goroutines"))
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
		c.say("%s after", human.Plural(head.last.Total, "goroutine", "goroutines"))
		suspects = c.grownAgain(suspects, last, head, base, runs == 1)
		last = head
		if len(suspects) == 0 {
			break // nothing is left that could grow each time
		}
	}
	return c.result(base.last, last.last, suspects, runs, time.Since(start)), nil
}

// grownAgain is the stacks that grew in the last run and all those before,
// with their growth since the beginning.
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

// root is the function that a stack's goroutines began with, of a closure the one
// that it stands in: one signature may have several closures of a function, and
// its frames are those of any.
func root(s *stack.Stack) string {
	if len(s.Frames) == 0 {
		return ""
	}
	return closure.ReplaceAllString(s.Frames[len(s.Frames)-1].Func, ".func")
}

// closure is how the compiler numbers closures.
var closure = regexp.MustCompile(`(\.func\d+|\.gowrap\d+|\.\d+|-range\d+)+$`)

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

// await waits for a target that is not up yet, as one that was started just now.
func (c *checker) await(ctx context.Context) error {
	start, waits := time.Now(), false
	for c.Wait > 0 {
		_, err := c.load(ctx, c.profile)
		if err == nil || ctx.Err() != nil || !isDown(err) {
			return err
		}
		if time.Since(start) >= c.Wait {
			return fmt.Errorf("%w; waited %s for it to start (--wait)", err, c.Wait)
		}
		if !waits {
			waits = true
			c.say("waiting up to %s for the target to start: %v", c.Wait, errors.Unwrap(err))
		}
		if err := backoff.Sleep(ctx, min(awaitInterval, c.Wait-time.Since(start))); err != nil {
			return err
		}
	}
	return nil
}

// awaitInterval is the time between two tries of a target that is not up yet.
const awaitInterval = 200 * time.Millisecond

// isDown tells whether a target fails as one does that is not up yet: nobody
// listens, the connection breaks off, or what stands before it says so. What has
// an answer to the request is up.
func isDown(err error) bool {
	switch collector.ReasonOf(err) {
	case collector.ReasonRefused, collector.ReasonTimeout, collector.ReasonTruncated, collector.ReasonStatus, collector.ReasonRateLimited:
		return true
	case collector.ReasonOther:
		// "http: server closed idle connection", of a connection that was closed
		// at once, has no type.
		return !errors.Is(err, diff.ErrIncomplete)
	}
	return false
}

// steady is the target at rest: two profiles alike, one after the other. If it
// does not come to rest, it is all profiles that were taken.
func (c *checker) steady(ctx context.Context) (*window, error) {
	all := &window{}
	for start := time.Now(); ; {
		last := all.last
		s, err := c.take(ctx)
		if err != nil {
			return nil, err
		}
		all.add(s)
		if last != nil && !c.changed(last, s) {
			w := &window{}
			w.add(last)
			w.add(s)
			return w, nil
		}
		if time.Since(start) >= c.Settle {
			c.say("the target does not come to rest, even before the command")
			return all, nil
		}
		if err := backoff.Sleep(ctx, c.interval(all.n)); err != nil {
			return nil, err
		}
	}
}

// interval is the time from the nth profile to the next. It varies by a quarter,
// so that a job that the target runs every second is not in every profile.
func (c *checker) interval(n int) time.Duration {
	_, fraction := math.Modf(float64(n) * math.Phi)
	return time.Duration(float64(c.Interval) * (0.75 + fraction/2))
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

// settle takes profiles until none has grown since before, or the time is up.
// It ends after a third of the time in which no goroutine ended, unless one of
// those left sleeps, works, reads or moves: that one may end yet.
func (c *checker) settle(ctx context.Context, before *window) (*window, error) {
	start := time.Now()
	w := &window{}
	fewest, since, byID := int64(0), start, false
	c.size = 0 // the load may have left many
	for {
		s, err := c.take(ctx)
		if err != nil && (ctx.Err() != nil || time.Since(start) >= c.Settle) {
			return nil, err
		}
		if err == nil {
			w.add(s)
			var n int64
			patience := c.Settle / 3
			for _, g := range c.grown(before, w) {
				n += g.Growth()
				if g.alive || passing(g.Op) {
					patience = c.Settle
				}
			}
			if w.n == 1 || n < fewest || named(before, w) != byID {
				fewest, since, byID = n, time.Now(), named(before, w)
				w.rest()
			}
			if n == 0 && (!w.moved || w.n >= enoughCounts) || time.Since(since) >= patience || time.Since(start) >= c.Settle {
				return w, nil
			}
		}
		// A target that is busy with the rest of the load may fail once.
		if err := backoff.Sleep(ctx, c.interval(w.n)); err != nil {
			return nil, err
		}
	}
}

// dumpLimit is the number of goroutines up to which a dump that names them is
// taken: it stops the target for about 80 µs a goroutine.
const dumpLimit = 1000

// take is the profile of the target now: a dump, which tells one goroutine from
// another, where there are few, else one that costs the target less.
func (c *checker) take(ctx context.Context) (*stack.Snapshot, error) {
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
	c.dump = nil // the target has none
	return s, nil
}

func (c *checker) load(ctx context.Context, get func(context.Context) (*stack.Snapshot, error)) (*stack.Snapshot, error) {
	s, err := get(ctx)
	if err == nil && s.Incomplete {
		err = diff.ErrIncomplete
	}
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	return s, nil
}
