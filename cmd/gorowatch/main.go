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

	"github.com/gorowatch/gorowatch/internal/demo"
)

// Exit codes.
const (
	exitOK   = 0
	exitLeak = 1 // a leak was found
	exitFail = 2 // it could not run
	exitLate = 3 // it could not find out yet
)

// errLeak ends a command that has found a leak and was asked to report it.
var errLeak = errors.New("leak found")

func main() {
	fillVersion()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// cli is the command line with its commands.
type cli struct {
	*kingpin.Application
	logging  *promslog.Config
	commands map[string]command
}

// command runs a subcommand after its flags are parsed.
type command func(ctx context.Context, stdout, stderr io.Writer) error

// add registers the function of a command.
func (c *cli) add(cmd *kingpin.CmdClause, run command) { c.commands[cmd.FullCommand()] = run }

// newCLI makes the command line with all its commands.
func newCLI(stdout, stderr io.Writer) *cli {
	app := kingpin.New("gorowatch", "Watches Go services for goroutine leaks and names the line that leaks, since when, how fast, and with what evidence.")
	app.HelpFlag.Short('h')
	app.Version(versionText())
	app.UsageWriter(stdout)
	app.ErrorWriter(stderr)

	c := &cli{Application: app, logging: &promslog.Config{Writer: stderr}, commands: map[string]command{}}
	promslogflag.AddFlags(app, c.logging)
	for _, register := range []func(*cli){addServe, addScan, addDiff, addConvert, addCheck, addVerdict, addKnown, addDemo, addMCP, addCheckConfig, addVersion} {
		register(c)
	}
	return c
}

// run is main without the process. It runs the command that the arguments name, and turns its
// error into an exit code.
func run(args []string, stdout, stderr io.Writer) int {
	c := newCLI(stdout, stderr)
	if len(args) > 0 && args[0] == demo.ServiceCommand {
		addDemoService(c)
	}
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
	case errors.Is(err, errUndecided):
		return exitLate
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintf(stderr, "gorowatch: interrupted\n")
		return exitFail
	default:
		fmt.Fprintf(stderr, "gorowatch: %v\n", err)
		return exitFail
	}
}
