package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Options are the flags.
type Options struct {
	root  string        // of the repository
	cache string        // for programs that are built
	keep  string        // for blocks, bucket, truth and log; empty: none are kept
	docs  string        // for evidence.md and evidence.json; empty: standard output
	life  time.Duration // of the show, on the clock of the programs
	speed float64
	twins bool
	names []string
}

func main() {
	var o Options
	cases := flag.String("cases", "", "names of cases, separated by commas; all without")
	flag.StringVar(&o.root, "root", repository(), "the repository")
	flag.StringVar(&o.cache, "cache", "", "folder for what is built (default: dist/museum of the repository)")
	flag.StringVar(&o.keep, "keep", "", "folder to keep TSDB blocks, the bucket and the truth in")
	flag.StringVar(&o.docs, "docs", "", "folder to write evidence.md and evidence.json to (default: evidence.md on standard output)")
	flag.DurationVar(&o.life, "for", 2*time.Hour, "how long the programs live, by their own clocks")
	flag.Float64Var(&o.speed, "speed", 1, "how many times faster than life everything happens; 8 shows two hours in 15 minutes")
	flag.BoolVar(&o.twins, "twins", true, "run the twins that do not leak, too")
	check := flag.Bool("verify", false, "only check that each program does what cases.yaml says, at 30 times the speed of life")
	readme := flag.Bool("readme", false, "only write the tables of the README")
	page := flag.Bool("page", false, "only write the pages of the evidence anew, from their data")
	flag.Parse()
	if *cases != "" {
		o.names = strings.Split(*cases, ",")
	}
	if o.cache == "" {
		o.cache = filepath.Join(o.root, "dist", "museum")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := func() error {
		museum := filepath.Join(o.root, "test", "museum")
		m, err := load(museum)
		if err != nil {
			return err
		}
		if *readme {
			return writeReadme(museum, m)
		}
		if *page {
			docs := filepath.Join(o.root, "docs")
			for _, name := range pageNames {
				e, err := readEvidence(filepath.Join(docs, name+".json"))
				if err != nil {
					return err
				}
				if err := e.mark(museum); err != nil {
					return err
				}
				if err := e.write(docs, name); err != nil {
					return err
				}
			}
			return nil
		}
		if err := m.choose(o.names); err != nil {
			return err
		}
		if *check {
			b, err := build(museum, o.cache, m)
			if err != nil {
				return err
			}
			return verify(os.Stdout, b, m, 30, 20*time.Second)
		}
		evidence, err := run(ctx, o, m)
		if err != nil {
			return err
		}
		return evidence.write(o.docs, pageNames[0])
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "museum:", err)
		os.Exit(1)
	}
}

// repository returns the folder above the working directory that has gorowatch.
func repository() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "cmd", "gorowatch", "main.go")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	return "."
}

// run shows the cases of m, and returns the results.
func run(ctx context.Context, o Options, m *Museum) (*Evidence, error) {
	if o.speed < 1 || o.speed > 60 {
		return nil, fmt.Errorf("-speed=%g: want 1 to 60", o.speed)
	}
	binary, err := prometheus()
	if err != nil {
		return nil, err
	}
	built := version(o.root) // the tree may change during the show
	say("building")
	b, err := build(filepath.Join(o.root, "test", "museum"), o.cache, m)
	if err != nil {
		return nil, err
	}
	product, err := gorowatch(o.root, o.cache)
	if err != nil {
		return nil, err
	}
	wall := time.Duration(float64(o.life) / o.speed)
	stage, err := newStage(b, m, o.speed, wall)
	if err != nil {
		return nil, err
	}
	defer stage.stop()
	for _, c := range m.Leaks {
		err := stage.leak(c)
		if err == nil && o.twins {
			err = stage.twin(c)
		}
		if err := missing(err); err != nil {
			return nil, err
		}
	}
	for _, c := range m.Healthy {
		if err := missing(stage.healthy(c)); err != nil {
			return nil, err
		}
	}
	w, err := newWatch(o, stage, binary, product)
	if err != nil {
		return nil, err
	}
	defer w.stop()
	say("%d programs run, for %s of their time, which is %s", len(stage.Shown), o.life, wall.Round(time.Second))
	if err := w.wait(ctx, wall); err != nil {
		return nil, errors.Join(err, w.tail())
	}
	e, err := collect(o, stage, w)
	if e != nil {
		e.Version = built
	}
	if err != nil {
		return nil, err
	}
	if o.keep != "" {
		err = w.save(e)
	}
	return e, err
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "museum: %s "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
}

// missing returns an error, unless a server is missing on a developer's machine: that is a
// warning, and its case is left out.
func missing(err error) error {
	if err == nil || os.Getenv("CI") == "true" || !errors.Is(err, errNoServer) {
		return err
	}
	say("SKIPPED: %v", err)
	return nil
}
