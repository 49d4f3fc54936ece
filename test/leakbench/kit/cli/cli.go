// Package cli is the command line of leakbench. It takes the classes as an
// argument, so that other programs can offer the same commands with their own.
package cli

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/rules"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/score"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/sim"
)

const usage = `usage: leakbench COMMAND [flags]

  gen       write a data set: TSDB blocks, truth.json and, if asked, profiles
  score     score a monitor's report against the truth
  table     print healthy alarmed, pools alarmed, recall and delays by class
  folds     split the classes into folds; score each fold under parameters chosen without it
  baseline  score PromQL rules on the same data
  vary      score a monitor with each of its constants changed, and choose by folds
  honest    check that a monitor does not look into the future
  classes   list the classes
  plot      draw services in text
`

// Main runs the command in os.Args and exits.
func Main(classes []sim.Class) {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	cmds := map[string]func([]sim.Class, []string) error{
		"gen": genCmd, "score": scoreCmd, "folds": foldsCmd, "table": tableCmd, "baseline": baselineCmd, "honest": honestCmd, "vary": varyCmd,
		"classes": classesCmd, "plot": plotCmd,
	}
	cmd := cmds[os.Args[1]]
	if cmd == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := cmd(classes, os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "leakbench:", err)
		os.Exit(1)
	}
}

func flags(name string, args []string, define func(*flag.FlagSet)) error {
	fs := flag.NewFlagSet("leakbench "+name, flag.ExitOnError)
	define(fs)
	fs.Parse(args)
	if fs.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q", name, fs.Arg(0))
	}
	return nil
}

func printJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func scoreCmd(all []sim.Class, args []string) error {
	var truth, report, list, exclude string
	var verbose, asJSON bool
	if err := flags("score", args, func(f *flag.FlagSet) {
		f.StringVar(&truth, "truth", "", "truth.json of the data set")
		f.StringVar(&report, "report", "", "the monitor's report")
		f.StringVar(&list, "classes", "all", "comma-separated classes or sets that count: public, hard, all")
		f.StringVar(&exclude, "exclude", "", "comma-separated classes or sets that do not count")
		f.BoolVar(&verbose, "v", false, "also print a line for each class")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	t, err := score.ReadJSON[score.Truth](truth)
	if err != nil {
		return err
	}
	r, err := score.ReadJSON[score.Report](report)
	if err != nil {
		return err
	}
	p := score.Pair{Truth: t, Report: r}
	if list != "all" || exclude != "" {
		keep, err := choose(all, list, exclude)
		if err != nil {
			return fmt.Errorf("score: %w", err)
		}
		p.Keep = func(class string) bool { _, ok := sim.Find(keep, class); return ok }
	}
	res := score.Pool(p)
	if asJSON {
		return printJSON(res)
	}
	res.Print(os.Stdout, verbose)
	return nil
}

func classesCmd(all []sim.Class, args []string) error {
	var list string
	if err := flags("classes", args, func(f *flag.FlagSet) {
		f.StringVar(&list, "classes", "all", "comma-separated classes or sets: public, hard, all")
	}); err != nil {
		return err
	}
	cs, err := choose(all, list, "")
	if err != nil {
		return fmt.Errorf("classes: %w", err)
	}
	for _, c := range cs {
		fmt.Println(strings.TrimSuffix(c.Name+"\t"+c.About, "\t"))
	}
	return nil
}

func baselineCmd(_ []sim.Class, args []string) error {
	var data string
	var fa float64
	var asJSON bool
	if err := flags("baseline", args, func(f *flag.FlagSet) {
		f.StringVar(&data, "data", "", "directory of the data set")
		f.Float64Var(&fa, "fa", 0.02, "share of healthy services that a tuned rule may alarm on")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	if data == "" {
		return errors.New("baseline: -data is required")
	}
	t, err := score.ReadJSON[score.Truth](filepath.Join(data, "truth.json"))
	if err != nil {
		return err
	}
	began := time.Now()
	pub, tun, reps, err := rules.Run(filepath.Join(data, "tsdb"), t, fa, runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	var out []score.Summary
	add := func(rs []*rules.Rule) {
		for _, r := range rs {
			name := fmt.Sprintf("%s for %s", r.Expr, shortDur(r.For))
			if r.Thr != 0.5 {
				name = fmt.Sprintf("%s for %s [K=%.3g]", r.Expr, shortDur(r.For), r.Thr)
			}
			s := score.Score(t, reps[r]).All
			s.Name = name
			out = append(out, s)
		}
	}
	add(pub)
	n := len(out)
	add(tun)
	if asJSON {
		return printJSON(out)
	}
	score.TableHead(os.Stdout)
	for i := range out {
		if i == n {
			fmt.Printf("tuned on this data to %.1f%% of the healthy services:\n", 100*fa)
		}
		name := out[i].Name
		if len(name) > 58 {
			fmt.Println(name)
			name = ""
		}
		out[i].Row(os.Stdout, name)
	}
	fmt.Fprintf(os.Stderr, "%d services in %.1fs\n", len(t.Services), time.Since(began).Seconds())
	return nil
}

func shortDur(d time.Duration) string {
	if d >= time.Hour {
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dm", int(d.Minutes()))
}
