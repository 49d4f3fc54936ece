// Command gorowatch watches Go services for goroutine leaks. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
)

// Exit codes.
const (
	exitOK   = 0
	exitLeak = 1 // a leak was found
	exitFail = 2 // it could not run
)

// errLeak ends a command whose business it was to find out.
var errLeak = errors.New("leak found")

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// cli is the command line while its commands are registered.
type cli struct {
	*kingpin.Application
	logging  *promslog.Config
	commands map[string]command
}

// command is a subcommand, after its flags are parsed.
type command func(ctx context.Context, stdout, stderr io.Writer) error

// add registers what a command does.
func (c *cli) add(cmd *kingpin.CmdClause, run command) { c.commands[cmd.FullCommand()] = run }

// newCLI makes the command line with all its commands.
func newCLI(stdout, stderr io.Writer) *cli {
	app := kingpin.New("gorowatch", "Watches Go services for goroutine leaks: says which line leaks, since when, how fast, and with what evidence.")
	app.HelpFlag.Short('h')
	app.Version(version.Print("gorowatch"))
	app.UsageWriter(stdout)
	app.ErrorWriter(stderr)

	c := &cli{Application: app, logging: &promslog.Config{Writer: stderr}, commands: map[string]command{}}
	promslogflag.AddFlags(app, c.logging)
	for _, register := range []func(*cli){addServe, addScan, addDiff, addConvert, addCheck, addDemo, addCheckConfig, addVersion} {
		register(c)
	}
	return c
}

// run is main without the process: it turns arguments and signals into the run
// of a command, and its error into an exit code.
func run(args []string, stdout, stderr io.Writer) int {
	c := newCLI(stdout, stderr)
	// kingpin ends the process after --help and --version; we end run.
	ended := -1
	c.Terminate(func(code int) { ended = code })
	name, err := c.Parse(args)
	if ended >= 0 {
		return ended
	}
	if err != nil {
		fmt.Fprintf(stderr, "gorowatch: %s\n", c.explain(err, args))
		return exitFail
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	if name != "serve" && name != "demo" {
		delayFirstCollection()
	}
	switch err := c.commands[name](ctx, stdout, stderr); {
	case err == nil:
		return exitOK
	case errors.Is(err, errLeak):
		return exitLeak
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintf(stderr, "gorowatch: interrupted\n")
		return exitFail
	default:
		fmt.Fprintf(stderr, "gorowatch: %v\n", err)
		return exitFail
	}
}

func addVersion(c *cli) {
	cmd := c.Command("version", "Show the version, as --version does.")
	c.add(cmd, func(_ context.Context, stdout, _ io.Writer) error {
		_, err := fmt.Fprintln(stdout, version.Print("gorowatch"))
		return err
	})
}
