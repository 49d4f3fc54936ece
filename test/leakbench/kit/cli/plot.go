package cli

import (
	"errors"
	"flag"
	"fmt"
	"math"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/sim"
)

const plotColumns = 120

// plotCmd draws the goroutines of each replica, the lowest and the mean of each column, and its
// load, to check whether a class is realistic.
func plotCmd(all []sim.Class, args []string) error {
	var list string
	var seed uint64
	var k, days int
	if err := flags("plot", args, func(f *flag.FlagSet) {
		f.StringVar(&list, "classes", "public", "comma-separated classes or sets: public, hard, all")
		f.Uint64Var(&seed, "seed", 1, "seed")
		f.IntVar(&k, "n", 1, "services per class")
		f.IntVar(&days, "days", 10, "days of data")
	}); err != nil {
		return err
	}
	if k < 1 || days < 1 {
		return errors.New("plot: -n and -days must be positive")
	}
	cs, err := choose(all, list, "")
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	e := sim.Env{Step: 1, Horizon: float64(days) * 1440}
	for _, c := range cs {
		for i := range k {
			s := sim.Gen(c, e, sim.SeedFor(seed, c.Name, i))
			fmt.Printf("%s %d: %d replicas", c.Name, i, s.P.N)
			if c.Leak {
				fmt.Printf(", leaks %.3g an hour (%s) from day %.1f", s.Rate, s.P.Leaks[0].Kind, s.Onset/1440)
			}
			fmt.Println()
			for slot := range min(s.P.N, 3) {
				plotSlot(s, slot, e)
			}
		}
	}
	return nil
}

func plotSlot(s *sim.Service, slot int, e sim.Env) {
	lo, mean, cpu := make([]float64, plotColumns), make([]float64, plotColumns), make([]float64, plotColumns)
	n := make([]float64, plotColumns)
	for _, in := range s.Inst {
		if in.Slot != slot {
			continue
		}
		for i, v := range in.V {
			c := min(plotColumns-1, (in.T0+i)*plotColumns/e.Samples())
			if n[c] == 0 || float64(v) < lo[c] {
				lo[c] = float64(v)
			}
			n[c]++
			mean[c] += float64(v)
			cpu[c] += float64(in.CPU[i])
		}
	}
	for c := range n {
		mean[c] /= n[c]
		cpu[c] /= n[c]
	}
	for _, x := range []struct {
		name string
		v    []float64
	}{{"lowest", lo}, {"mean", mean}, {"load", cpu}} {
		top := 1e-9
		for _, v := range x.v {
			if v > top {
				top = v
			}
		}
		line := make([]rune, plotColumns)
		for c, v := range x.v {
			line[c] = ' '
			if !math.IsNaN(v) {
				line[c] = []rune("▁▂▃▄▅▆▇█")[min(7, int(8*v/top))]
			}
		}
		fmt.Printf("%3d %-6s %8.4g %s\n", slot, x.name, top, string(line))
	}
}
