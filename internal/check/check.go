package check

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/diff"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// Run does the check and writes the report to stdout. The command's output and the progress go
// to stderr. leaked means that more goroutines stayed than are allowed. An error means that the
// check could not be done, for example because the command failed.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) (leaked bool, err error) {
	o, err = o.withDefaults()
	if err != nil {
		return false, err
	}
	loader := &diff.Loader{Client: o.Client}
	loader.Options.Limits.Source = o.Source
	c := &checker{
		Options: o,
		dump:    dumper(loader, o.Target),

		unreachable: unreachable{fetch: leakFetcher(o.Client, o.Target)},

		profile: func(ctx context.Context) (*stack.Snapshot, error) { return loader.Load(ctx, o.Target) },
		command: func(ctx context.Context) error { return run(ctx, o.Command, stderr) },
		log:     func(format string, args ...any) { _, _ = fmt.Fprintf(stderr, "gorowatch: "+format+"\n", args...) },
	}
	check := c.check
	if o.hasDumps() {
		check = func(ctx context.Context) (*result, error) { return c.compare(ctx, loader) }
	}
	res, err := check(ctx)
	if err != nil {
		return false, err
	}
	p := placesOf(o.Root)
	if p.isOwn(res.report.Program) {
		res.report.Program = "" // the one who reads this can change its code
	}
	if err := o.writeReports(res, p); err != nil {
		return false, err
	}
	if o.Format == FormatGitHub {
		annotations(stdout, res.findings(p))
	}
	return res.Leaked, res.write(stdout, o.Format)
}

// run runs a command to its end. If the context ends first, the command is interrupted,
// and killed if that does not end it.
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

// checker does the check. It reaches the outside world through functions.
type checker struct {
	Options
	profile func(context.Context) (*stack.Snapshot, error)
	// dump takes a profile that names each goroutine; nil: there is none.
	dump func(context.Context) (*stack.Snapshot, error)
	// unreachable has the results of the target's garbage collector.
	unreachable unreachable

	command func(context.Context) error
	log     func(format string, args ...any)
	// remarked are the remarks on profiles that were logged, once each.
	remarked map[string]bool
	// size is the number of goroutines in the latest profile, 0 if not known.
	size int64
}

// check waits for the target, runs the command, and returns the stacks that grew each
// time. If the garbage collector of the target proves a leak, it returns that at once.
func (c *checker) check(ctx context.Context) (*result, error) {
	start := time.Now()
	if err := c.awaitTarget(ctx); err != nil {
		return nil, err
	}
	c.askBefore(ctx)
	base, err := c.awaitRest(ctx)
	if err != nil {
		return nil, err
	}
	c.log("%s before", human.Plural(base.last.Total, "goroutine", "goroutines"))
	last, suspects := base, []growth(nil)
	runs := 0
	for runs < c.Repeat {
		if runs++; c.Repeat > 1 {
			c.log("run %d of %d", runs, c.Repeat)
		}
		if err := c.command(ctx); err != nil {
			return nil, err
		}
		if proven, head := c.prove(ctx, base); total(proven) > c.Allow {
			c.logProof(proven)
			return c.result(base.last, head, proven, runs, time.Since(start)), nil
		}
		head, err := c.settle(ctx, last)
		if err != nil {
			return nil, err
		}
		c.log("%s after", human.Plural(head.last.Total, "goroutine", "goroutines"))
		suspects = c.grownAgain(suspects, last, head, base, runs == 1)
		last = head
		if len(suspects) == 0 {
			break // nothing is left that grew each time
		}
	}
	c.markProven(ctx, suspects)
	return c.result(base.last, last.last, suspects, runs, time.Since(start)), nil
}
