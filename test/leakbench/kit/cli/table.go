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

// readPair reads the two files of a "TRUTH,REPORT".
func readPair(s string) (score.Pair, error) {
	truth, report, ok := strings.Cut(s, ",")
	if !ok {
		return score.Pair{}, fmt.Errorf("-pair %q is not TRUTH,REPORT", s)
	}
	t, err := score.ReadJSON[score.Truth](truth)
	if err != nil {
		return score.Pair{}, err
	}
	r, err := score.ReadJSON[score.Report](report)
	if err != nil {
		return score.Pair{}, err
	}
	if r.ServicesScanned != len(t.Services) {
		fmt.Fprintf(os.Stderr, "leakbench: %s covers %d of %d services\n", report, r.ServicesScanned, len(t.Services))
	}
	return score.Pair{Truth: t, Report: r}, nil
}

func tableCmd(all []sim.Class, args []string) error {
	var list, exclude string
	var asJSON bool
	var pairs []score.Pair
	if err := flags("table", args, func(f *flag.FlagSet) {
		f.StringVar(&list, "classes", "all", "comma-separated classes or sets that count: public, hard, all")
		f.StringVar(&exclude, "exclude", "", "comma-separated classes or sets that do not count")
		f.BoolVar(&asJSON, "json", false, "print JSON")
		f.Func("pair", "TRUTH,REPORT of one data set; again for each further seed", func(s string) error {
			p, err := readPair(s)
			pairs = append(pairs, p)
			return err
		})
	}); err != nil {
		return err
	}
	if len(pairs) == 0 {
		return errors.New("table: a -pair TRUTH,REPORT is required")
	}
	keep, err := choose(all, list, exclude)
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	for i := range pairs {
		pairs[i].Keep = func(class string) bool { _, ok := sim.Find(keep, class); return ok }
	}
	res := score.Pool(pairs...)
	if asJSON {
		return printJSON(res)
	}
	res.Table(os.Stdout)
	return nil
}
