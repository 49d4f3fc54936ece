package cli

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/score"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/sim"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/vary"
)

// variant has other values for some numbers; the zero value changes none.
type variant struct {
	name   string
	values map[int]float64 // by index
}

// scaled is a number with its value times a factor.
func scaled(i int, n *vary.Number, factor float64) variant {
	return variant{fmt.Sprintf("%s × %g = %s", n.Name, factor, n.Text(n.Scaled(factor))), map[int]float64{i: n.Scaled(factor)}}
}

// set reads the numbers of a variant: name=value, separated by commas.
func set(numbers []*vary.Number, text string) (v variant, err error) {
	v = variant{text, map[int]float64{}}
	for _, entry := range strings.Split(text, ",") {
		name, number, _ := strings.Cut(entry, "=")
		i := slices.IndexFunc(numbers, func(n *vary.Number) bool { return n.Name == name })
		if i < 0 {
			return v, fmt.Errorf("-set: there is no number %q", name)
		}
		x, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return v, fmt.Errorf("-set: %s: %q is not a number", name, number)
		}
		v.values[i] = x * numbers[i].Unit
	}
	return v, nil
}

// laboratory runs variants of a monitor on data sets.
type laboratory struct {
	program *vary.Program
	binary  string // reads which number to change
	out     string // reports are kept here for the next run
	data    []string
	args    []string // of the scan
	build   []string // of `go build`
}

// prepare builds the monitor. Reports are kept for as long as it stays the same.
func (l *laboratory) prepare() error {
	dir := filepath.Join(l.out, "build")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	l.binary = filepath.Join(dir, "monitor")
	if err := l.program.Build(dir, l.binary, l.build...); err != nil {
		return err
	}
	b, err := os.ReadFile(l.binary)
	if err != nil {
		return err
	}
	l.out = filepath.Join(l.out, fmt.Sprintf("%x", sha256.Sum256(b))[:12])
	return os.MkdirAll(l.out, 0o777)
}

// reports returns those of a variant.
func (l *laboratory) reports(v variant) (pairs []score.Pair, err error) {
	binary, environment := l.binary, vary.Environment(v.values)
	name := fmt.Sprintf("%x", sha256.Sum256([]byte(environment)))[:12]
	for _, data := range l.data {
		report := filepath.Join(l.out, name+"."+filepath.Base(data)+".json")
		if _, err := os.Stat(report); err != nil {
			if i, fixed := l.fixed(v); fixed && binary == l.binary {
				dir, err := os.MkdirTemp("", "leakbench")
				if err != nil {
					return nil, err
				}
				defer os.RemoveAll(dir)
				binary = filepath.Join(dir, "monitor")
				if err := l.program.BuildWith(i, v.values[i], dir, binary, l.build...); err != nil {
					return nil, err
				}
			}
			if err := l.scan(binary, environment, data, report); err != nil {
				return nil, err
			}
		}
		p, err := readPair(filepath.Join(data, "truth.json") + "," + report)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// fixed returns a number of a variant that takes a build of its own.
func (l *laboratory) fixed(v variant) (i int, ok bool) {
	for i := range v.values {
		if l.program.Numbers[i].Fixed {
			return i, true
		}
	}
	return 0, false
}

// scan stores the report of a scan, with profiles where the data have some.
func (l *laboratory) scan(binary, environment, data, report string) error {
	args := []string{"scan", "--tsdb.path=" + filepath.Join(data, "tsdb"), "--format=json"}
	if archive := filepath.Join(data, "archive"); isFolder(archive) {
		args = append(args, "--profiles=file://"+archive)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(binary, append(args, l.args...)...)
	cmd.Env = append(os.Environ(), environment)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("scan of %s: %w: %s", data, err, stderr.String())
	}
	return os.WriteFile(report, stdout.Bytes(), 0o666)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// cost scores a result: healthy services alarmed count most, then pools, then leaks missed or
// found late.
func cost(s *score.Summary) float64 {
	share := func(n, of int) float64 { return float64(n) / math.Max(1, float64(of)) }
	return 10*share(s.HealthyAlarmed, s.Healthy) + 3*share(s.SaturatingAlarmed, s.Saturating) + (1 - float64(s.Recall)) + (1 - float64(s.Recall24))
}

// judging are the packages whose numbers decide.
const judging = "trend,trend/internal/odds,trend/internal/lives,trend/internal/stat,internal/leak/attribution,internal/leak/lifecycle,internal/leak/survival,internal/monitor/surge,internal/monitor/watch,internal/monitor/profiling,leak"

func varyCmd(all []sim.Class, args []string) error {
	var root, program, packages, only, by, data, extra, build string
	var functions, list bool
	var sets []string
	var k int
	var l laboratory
	if err := flags("vary", args, func(f *flag.FlagSet) {
		f.StringVar(&root, "root", "../../..", "the module of the monitor")
		f.StringVar(&program, "program", "cmd/gorowatch", "the package of the monitor")
		f.StringVar(&packages, "packages", judging, "comma-separated packages whose numbers are varied")
		f.StringVar(&only, "only", "", "comma-separated names of numbers, with * for any part; empty: all")
		f.BoolVar(&functions, "functions", false, "also vary the numbers in functions that have no name")
		f.BoolVar(&list, "list", false, "list the numbers, and scan nothing")
		f.Func("set", "NAME=VALUE[,NAME=VALUE...]: values to scan with instead of factors; once for each variant", func(s string) error {
			sets = append(sets, s)
			return nil
		})
		f.StringVar(&by, "by", "0.8,1.2", "comma-separated factors")
		f.StringVar(&data, "data", "", "comma-separated data sets")
		f.StringVar(&extra, "args", "", "further arguments of the scan")
		f.StringVar(&build, "build", "-trimpath", "arguments of go build")
		f.StringVar(&l.out, "out", "vary", "where reports are kept for the next run")
		f.IntVar(&k, "k", 5, "number of folds; 0: leave one class out")
	}); err != nil {
		return err
	}
	if data == "" && !list {
		return errors.New("vary: -data is empty, expected data sets that gen has written")
	}
	l.args, l.build = strings.Fields(extra), strings.Fields(build)
	var err error
	for _, path := range strings.Split(data, ",") {
		if path, err = filepath.Abs(path); err != nil {
			return err
		}
		l.data = append(l.data, path)
	}
	if root, err = filepath.Abs(root); err != nil {
		return err
	}
	if l.out, err = filepath.Abs(l.out); err != nil {
		return err
	}
	if l.program, err = vary.Load(root, program, strings.Split(packages, ",")); err != nil {
		return fmt.Errorf("vary: %w", err)
	}
	variants := []variant{{name: "as it is"}}
	for _, text := range sets {
		v, err := set(l.program.Numbers, text)
		if err != nil {
			return fmt.Errorf("vary: %w", err)
		}
		variants = append(variants, v)
	}
	for i, n := range l.program.Numbers {
		if len(sets) > 0 || !wanted(n, only, functions) {
			continue
		}
		if list {
			rel, _ := filepath.Rel(root, n.File)
			fmt.Printf("%s\t%s\t%s:%d\n", n.Name, n.Text(n.Value), rel, n.Line)
			continue
		}
		for _, f := range strings.Split(by, ",") {
			factor, err := strconv.ParseFloat(f, 64)
			if err != nil || factor <= 0 || factor == 1 {
				return fmt.Errorf("vary: -by: %q: expected a factor above 0 other than 1", f)
			}
			variants = append(variants, scaled(i, n, factor))
		}
	}
	if list {
		return nil
	}
	if len(variants) == 1 {
		return fmt.Errorf("vary: -only=%s: there is no such number in %s", only, packages)
	}
	if err := l.prepare(); err != nil {
		return fmt.Errorf("vary: %w", err)
	}
	pairs := make([][]score.Pair, len(variants))
	fmt.Printf("%-52s %6s %8s %6s %7s %8s %7s %6s\n", "number", "moved", "healthy", "pools", "recall", "in 24 h", "d50 h", "cost")
	for i, v := range variants {
		if pairs[i], err = l.reports(v); err != nil {
			fmt.Fprintf(os.Stderr, "leakbench: %s: %v\n", v.name, err) // e.g. a number that has to be smaller than another
			continue
		}
		moved := 0
		for j := range pairs[i] {
			if pairs[0] != nil {
				moved += len(score.Moved(pairs[0][j].Report, pairs[i][j].Report))
			}
		}
		s := &score.Pool(pairs[i]...).All
		fmt.Printf("%-52s %6d %8s %6s %7.3f %8.3f %7s %6.3f\n", v.name, moved,
			fmt.Sprintf("%d/%d", s.HealthyAlarmed, s.Healthy), fmt.Sprintf("%d/%d", s.SaturatingAlarmed, s.Saturating),
			float64(s.Recall), float64(s.Recall24), s.DelayMedian, cost(s))
	}
	return leaveOut(folds(all, k), variants, pairs)
}

// wanted reports whether a number is to be varied.
func wanted(n *vary.Number, only string, functions bool) bool {
	if only == "" {
		return !n.InFunction || functions
	}
	return slices.ContainsFunc(strings.Split(only, ","), func(pattern string) bool {
		ok, err := path.Match(pattern, n.Name)
		return ok && err == nil || pattern == n.Name
	})
}

// leaveOut chooses for each fold the variant that does best on the others, and prints its
// result on the fold.
func leaveOut(fs [][]sim.Class, variants []variant, pairs [][]score.Pair) error {
	keep := func(ps []score.Pair, in []sim.Class, want bool) (out []score.Pair) {
		for _, p := range ps {
			p.Keep = func(class string) bool {
				_, ok := sim.Find(in, class)
				return ok == want
			}
			out = append(out, p)
		}
		return out
	}
	fmt.Println()
	var left []score.Pair
	score.FoldHead(os.Stdout)
	for f, in := range fs {
		best, least := -1, math.Inf(1)
		for i, ps := range pairs {
			if ps == nil {
				continue
			}
			if c := cost(&score.Pool(keep(ps, in, false)...).All); c < least-1e-9 {
				best, least = i, c
			}
		}
		if best < 0 {
			return errors.New("vary: no variant could be scored")
		}
		chosen := keep(pairs[best], in, true)
		res := score.Pool(chosen...)
		res.All.FoldRow(os.Stdout, strconv.Itoa(f+1), variants[best].name)
		left = append(left, chosen...)
	}
	score.Pool(left...).All.FoldRow(os.Stdout, "", "all, left out")
	return nil
}
