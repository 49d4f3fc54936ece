package cli

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/score"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/sim"
)

// kin has classes under the conditions of another name: leaks under those of a healthy class,
// and hard classes that resemble a public one.
var kin = map[string]string{
	"warm": "warmup", "churn": "autoscale", "deploy": "restart", "sawtooth": "restart",
	"websocket": "longconn", "outage": "hang", "nocpu": "noload",
	"fastdeploy": "deploys", "slowdeploy": "deploys", "sdeploy": "deploys", "nightdeploy": "deploys",
}

// folds distributes the classes over k folds; 0: as many as possible. A leak goes with the
// healthy class of the same conditions.
func folds(all []sim.Class, k int) [][]sim.Class {
	var out [][]sim.Class
	of := map[string]int{} // by condition
	for _, c := range all {
		name := strings.TrimPrefix(strings.TrimPrefix(c.Name, "L-"), "x-")
		if n, ok := kin[name]; ok {
			name = n
		}
		f, ok := of[name]
		if !ok {
			f = len(of)
			if k > 0 {
				f %= k
			}
			of[name] = f
		}
		if f == len(out) {
			out = append(out, nil)
		}
		out[f] = append(out[f], c)
	}
	return out
}

func foldsCmd(all []sim.Class, args []string) error {
	var k int
	var list string
	var pairs []string
	if err := flags("folds", args, func(f *flag.FlagSet) {
		f.IntVar(&k, "k", 5, "number of folds; 0: leave one class out")
		f.StringVar(&list, "classes", "all", "comma-separated classes or sets to deal out: public, hard, all")
		f.Func("pair", "TRUTH,REPORT of a scan with the parameters chosen without fold 1; once more for each further fold, then round again for other seeds", func(s string) error {
			pairs = append(pairs, s)
			return nil
		})
	}); err != nil {
		return err
	}
	if k < 0 {
		return errors.New("folds: -k must not be negative")
	}
	all, err := choose(all, list, "")
	if err != nil {
		return fmt.Errorf("folds: %w", err)
	}
	fs := folds(all, k)
	if len(pairs) == 0 {
		for i, f := range fs {
			fmt.Printf("%d\t%s\n", i+1, names(f))
		}
		return nil
	}
	if len(pairs)%len(fs) != 0 {
		return fmt.Errorf("folds: %d pairs for %d folds", len(pairs), len(fs))
	}
	by := make([][]score.Pair, len(fs))
	for i, s := range pairs {
		p, err := readPair(s)
		if err != nil {
			return fmt.Errorf("folds: %w", err)
		}
		f := i % len(fs)
		p.Keep = func(class string) bool {
			_, ok := sim.Find(fs[f], class)
			return ok
		}
		by[f] = append(by[f], p)
	}
	score.FoldHead(os.Stdout)
	var left []score.Pair
	for f, ps := range by {
		res := score.Pool(ps...)
		for i := range res.Classes {
			res.Classes[i].FoldRow(os.Stdout, fmt.Sprint(f+1), res.Classes[i].Name)
		}
		res.All.FoldRow(os.Stdout, fmt.Sprint(f+1), "all")
		left = append(left, ps...)
	}
	if len(fs) > 1 {
		res := score.Pool(left...)
		res.All.FoldRow(os.Stdout, "", "all, left out")
	}
	return nil
}

func names(cs []sim.Class) string {
	var out []string
	for _, c := range cs {
		out = append(out, c.Name)
	}
	return strings.Join(out, ",")
}
