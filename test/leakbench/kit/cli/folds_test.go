package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/sim"
)

// TestFolds checks that every class is in one fold, together with the leak
// under the same conditions.
func TestFolds(t *testing.T) {
	all := append(sim.Public(), sim.Hard()...)
	for _, k := range []int{0, 1, 3, 5, 100} {
		fs := folds(all, k)
		if k > 0 && len(fs) > k {
			t.Errorf("k=%d: %d folds", k, len(fs))
		}
		fold := map[string]int{}
		for i, f := range fs {
			for _, c := range f {
				if _, ok := fold[c.Name]; ok {
					t.Errorf("k=%d: %s twice", k, c.Name)
				}
				fold[c.Name] = i
			}
		}
		for _, c := range [][2]string{{"L-websocket", "longconn"}, {"L-outage", "L-hang"}, {"nocpu", "L-noload"}, {"L-fastdeploy", "nightdeploy"}, {"sdeploy", "deploys"}} {
			if fold[c[0]] != fold[c[1]] {
				t.Errorf("k=%d: %s and %s apart", k, c[0], c[1])
			}
		}
		public := folds(sim.Public(), k)
		for i, f := range public {
			for _, c := range f {
				if fold[c.Name] != i {
					t.Errorf("k=%d: %s is in another fold without the hard classes", k, c.Name)
				}
			}
		}
		if len(fold) != len(all) {
			t.Errorf("k=%d: %d of %d classes", k, len(fold), len(all))
		}
		for n, i := range fold {
			if h, ok := strings.CutPrefix(n, "L-"); ok {
				if j, ok := fold[h]; ok && i != j {
					t.Errorf("k=%d: %s and %s apart", k, n, h)
				}
			}
		}
	}
}

func TestChoose(t *testing.T) {
	all := append(sim.Public(), sim.Hard()...)
	for _, c := range []struct {
		list, exclude string
		want          string
	}{
		{"flat,hang,L-hang", "hang", "flat,L-hang"},
		{"flat,flat", "", "flat"},
		{"public", "", names(sim.Public())},
		{"hard", "", names(sim.Hard())},
		{"websocket,hard", "L-websocket,outage", strings.Join(slices.DeleteFunc(strings.Split(names(sim.Hard()), ","),
			func(n string) bool { return n == "L-websocket" || n == "outage" }), ",")},
		{"all", "hard", names(sim.Public())},
	} {
		cs, err := choose(all, c.list, c.exclude)
		if err != nil || names(cs) != c.want {
			t.Errorf("%s without %q: %s, %v, want %s", c.list, c.exclude, names(cs), err, c.want)
		}
	}
	for _, c := range [][2]string{{"all", "nothing"}, {"nothing", ""}, {"", ""}, {"flat,", ""}, {"hard", "hard"}} {
		if cs, err := choose(all, c[0], c[1]); err == nil {
			t.Errorf("%q without %q: no error, %s", c[0], c[1], names(cs))
		}
	}
}
