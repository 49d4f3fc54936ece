package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/gorowatch/gorowatch/collector/tsdb"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "leakbench:", err)
		os.Exit(2)
	}
}

// run takes the arguments of `gorowatch scan` that the kit uses.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	if len(args) > 0 && args[0] == "scan" {
		args = args[1:]
	}
	fs := flag.NewFlagSet("leakbench", flag.ContinueOnError)
	dir := fs.String("tsdb.path", "", "folder of TSDB blocks")
	fs.String("format", "json", "json alone")
	until := fs.String("end", "", "scan up to this time, RFC 3339; default all")
	every := fs.Duration("step", time.Minute, "interval of the evaluations")
	window := fs.Duration("window", 24*time.Hour, "how much is read at a time")
	trace := fs.Bool("trace", false, "print every change of a verdict to standard error")
	cpu := fs.String("cpuprofile", "", "write a CPU profile")
	workers := fs.Int("workers", runtime.GOMAXPROCS(0), "services judged at a time")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *cpu != "" {
		f, err := os.Create(*cpu)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	src, err := tsdb.Open(tsdb.Options{Dir: *dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	from, to := src.MinTime().Add(-time.Millisecond), src.MaxTime()
	if *until != "" {
		t, err := time.Parse(time.RFC3339, *until)
		if err != nil {
			return fmt.Errorf("--end: %w", err)
		}
		if t.Before(to) {
			to = t
		}
	}
	var w io.Writer
	if *trace {
		w = os.Stderr
	}
	rep, err := scan(ctx, src, from, to, *every, *window, *workers, w)
	if err != nil {
		return err
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(rep)
}
