package cli

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/score"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/sim"
)

func honestCmd(_ []sim.Class, args []string) error {
	var bin, data, extra string
	var n int
	if err := flags("honest", args, func(f *flag.FlagSet) {
		f.StringVar(&bin, "gorowatch", "gorowatch", "the monitor's binary")
		f.StringVar(&data, "data", "", "directory of the data set")
		f.IntVar(&n, "n", 12, "number of truncated runs")
		f.StringVar(&extra, "args", "", "further arguments for the scan, separated by spaces")
	}); err != nil {
		return err
	}
	if data == "" {
		return errors.New("honest: -data is required")
	}
	scan := func(end *time.Time) (*score.Report, error) {
		a := []string{"scan", "--tsdb.path=" + filepath.Join(data, "tsdb"), "--format=json"}
		if end != nil {
			a = append(a, "--end="+end.UTC().Format(time.RFC3339))
		}
		a = append(a, strings.Fields(extra)...)
		cmd := exec.Command(bin, a...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		rep := new(score.Report)
		if jerr := json.Unmarshal(out, rep); jerr != nil {
			return nil, fmt.Errorf("%s %s: %w", bin, strings.Join(a, " "), errors.Join(err, jerr))
		}
		return rep, nil // a monitor may exit with a status of its own when it found leaks
	}
	began := time.Now()
	full, err := scan(nil)
	if err != nil {
		return err
	}
	fmt.Printf("full run: %d leaks in %.1fs\n", len(full.Leaks), time.Since(began).Seconds())
	if len(full.Leaks) == 0 {
		return errors.New("honest: the full run reports no leaks, nothing to check")
	}
	bad := 0
	for _, end := range cuts(full, n) {
		rep, err := scan(&end)
		if err != nil {
			return err
		}
		msgs := compare(full, rep, end)
		fmt.Printf("--end=%s: %d leaks, %d differences\n", end.Format(time.RFC3339), len(rep.Leaks), len(msgs))
		for _, m := range msgs {
			fmt.Println("  " + m)
		}
		bad += len(msgs)
	}
	if bad > 0 {
		return fmt.Errorf("honest: %d differences: the monitor's past depends on the future", bad)
	}
	fmt.Println("ok")
	return nil
}

// cuts chooses n ends, alternately just after and just before a detection,
// spread over the detections.
func cuts(full *score.Report, n int) []time.Time {
	var d []time.Time
	for _, l := range full.Leaks {
		d = append(d, l.DetectedAt)
	}
	slices.SortFunc(d, time.Time.Compare)
	d = slices.CompactFunc(d, time.Time.Equal)
	var out []time.Time
	for i := range n {
		t := d[min(len(d)-1, (2*i+1)*len(d)/(2*n))]
		if i%2 == 0 {
			t = t.Add(time.Second)
		} else {
			t = t.Add(-time.Second)
		}
		if !slices.ContainsFunc(out, t.Equal) {
			out = append(out, t)
		}
	}
	return out
}

// compare lists what the run up to end and the full run disagree on.
func compare(full, cut *score.Report, end time.Time) []string {
	index := func(r *score.Report) map[string][]*score.Finding {
		m := map[string][]*score.Finding{}
		for i := range r.Leaks {
			l := &r.Leaks[i]
			k := l.Service.Namespace + "/" + l.Service.Job
			m[k] = append(m[k], l)
		}
		return m
	}
	fm, cm := index(full), index(cut)
	var msgs []string
	check := func(from, in map[string][]*score.Finding, what string) {
		for k, ls := range from {
			for _, l := range ls {
				if l.DetectedAt.After(end) {
					if what == "full" {
						continue
					}
					msgs = append(msgs, fmt.Sprintf("%s %s: detected at %s, after the end of the run", k, l.ID, l.DetectedAt.Format(time.RFC3339)))
					continue
				}
				same := func(o *score.Finding) bool { return o.DetectedAt.Equal(l.DetectedAt) && related(o, l) }
				if slices.ContainsFunc(in[k], same) {
					continue
				}
				if what == "truncated" {
					msgs = append(msgs, fmt.Sprintf("%s %s: detected at %s in the truncated run only", k, l.ID, l.DetectedAt.Format(time.RFC3339)))
					continue
				}
				other := "missing from the truncated run"
				for _, o := range in[k] {
					if related(o, l) {
						other = "detected at " + o.DetectedAt.Format(time.RFC3339) + " in the truncated run"
					}
				}
				msgs = append(msgs, fmt.Sprintf("%s %s: detected at %s in the full run, %s", k, l.ID, l.DetectedAt.Format(time.RFC3339), other))
			}
		}
	}
	check(fm, cm, "full")
	check(cm, fm, "truncated")
	slices.Sort(msgs)
	return msgs
}

// related reports whether two findings of a service may be the same leak.
func related(a, b *score.Finding) bool {
	if a.ID != "" && a.ID == b.ID || len(a.Instances) == 0 || len(b.Instances) == 0 {
		return true
	}
	return slices.ContainsFunc(a.Instances, func(x string) bool { return slices.Contains(b.Instances, x) })
}
