package cli

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/prof"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/score"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/sim"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/store"
)

// namespace and cluster of all simulated services.
const (
	namespace = "sim"
	cluster   = "sim"
)

type gen struct {
	out        string
	env        sim.Env
	start, end time.Time
	w          *store.Writer
	profiles   bool
	nProf      atomic.Int64
}

func genCmd(all []sim.Class, args []string) error {
	var g gen
	var seed uint64
	var list, exclude, end string
	var perClass, days int
	var step, every time.Duration
	if err := flags("gen", args, func(f *flag.FlagSet) {
		f.StringVar(&g.out, "out", "", "directory to write; must not exist or be empty")
		f.Uint64Var(&seed, "seed", 1, "seed")
		f.StringVar(&list, "classes", "public", "comma-separated classes or sets: public, hard, all")
		f.StringVar(&exclude, "exclude", "", "comma-separated classes or sets to leave out")
		f.IntVar(&perClass, "per-class", 8, "services per class")
		f.IntVar(&days, "days", 10, "days of data")
		f.DurationVar(&step, "step", time.Minute, "scrape interval")
		f.StringVar(&end, "end", "2026-06-01T00:00:00Z", "end of the data, RFC 3339")
		f.BoolVar(&g.profiles, "profiles", false, "also write goroutine profiles")
		f.DurationVar(&every, "profile-every", 30*time.Minute, "interval of the profiles")
		f.BoolVar(&g.env.Created, "created", false, "also write a counter of the goroutines created")
	}); err != nil {
		return err
	}
	if g.out == "" {
		return errors.New("gen: -out is required")
	}
	if days < 1 || perClass < 1 || step < time.Second || time.Hour%step != 0 {
		return errors.New("gen: -days and -per-class must be positive, -step a divisor of an hour")
	}
	var err error
	if g.end, err = time.Parse(time.RFC3339, end); err != nil {
		return err
	}
	g.end = g.end.UTC().Truncate(step)
	g.start = g.end.AddDate(0, 0, -days)
	g.env.Step, g.env.Horizon = step.Minutes(), float64(days)*1440
	if g.profiles {
		g.env.ProfileEvery = every.Minutes()
	}
	classes, err := choose(all, list, exclude)
	if err != nil {
		return fmt.Errorf("gen: %w", err)
	}
	if m, _ := filepath.Glob(filepath.Join(g.out, "*")); len(m) > 0 {
		return fmt.Errorf("gen: %s is not empty", g.out)
	}
	if err := os.MkdirAll(g.out, 0o777); err != nil {
		return err
	}

	type job struct {
		c    sim.Class
		k    int
		name string
	}
	var jobs []job
	for _, c := range classes {
		for k := range perClass {
			jobs = append(jobs, job{c: c, k: k})
		}
	}
	// names and the order of services say nothing about the class
	r := rand.New(rand.NewPCG(seed, 0xbf58476d1ce4e5b9))
	r.Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	for i := range jobs {
		jobs[i].name = fmt.Sprintf("svc-%04d", i+1)
	}

	began := time.Now()
	g.w = store.NewWriter(g.start.UnixMilli(), g.end.UnixMilli())
	truth := score.Truth{Version: 1, Seed: seed, Start: g.start, End: g.end, Step: step.String(), Profiles: g.profiles,
		Services: make([]*score.ServiceTruth, len(jobs))}
	series := make([][]store.Series, len(jobs))
	errs := make([]error, len(jobs))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				s := sim.Gen(jobs[i].c, g.env, sim.SeedFor(seed, jobs[i].c.Name, jobs[i].k))
				truth.Services[i], series[i], errs[i] = g.service(i, jobs[i].name, s)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	n := 0
	for _, s := range series {
		g.w.Add(s...)
		n += len(s)
	}
	simulated := time.Since(began)
	if err := g.w.Write(filepath.Join(g.out, "tsdb"), seed); err != nil {
		return err
	}
	b, err := json.Marshal(truth)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(g.out, "truth.json"), append(b, '\n'), 0o666); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d services, %d series, TSDB %.1f MB, truth %.1f MB", len(jobs), n, mb(filepath.Join(g.out, "tsdb")), float64(len(b))/1e6)
	if g.profiles {
		fmt.Fprintf(os.Stderr, ", %d profiles %.1f MB", g.nProf.Load(), mb(filepath.Join(g.out, "archive")))
	}
	fmt.Fprintf(os.Stderr, "; %.1fs simulation, %.1fs in all\n", simulated.Seconds(), time.Since(began).Seconds())
	return nil
}

// choose returns the classes of a comma-separated list, in which the name of a
// set stands for its classes and "all" for all, without those of another list.
func choose(all []sim.Class, list, exclude string) ([]sim.Class, error) {
	find := func(list string) (out []sim.Class, err error) {
		for n := range strings.SplitSeq(list, ",") {
			known := false
			for _, c := range all {
				if n == "all" || n == c.Name || n == c.Set && n != "" || n == "public" && c.Set == "" {
					known = true
					if _, twice := sim.Find(out, c.Name); !twice {
						out = append(out, c)
					}
				}
			}
			if !known {
				return nil, fmt.Errorf("no class or set %q; see leakbench classes", n)
			}
		}
		return out, nil
	}
	out, err := find(list)
	if err != nil {
		return nil, err
	}
	if exclude != "" {
		not, err := find(exclude)
		if err != nil {
			return nil, err
		}
		out = slices.DeleteFunc(out, func(c sim.Class) bool { _, ok := sim.Find(not, c.Name); return ok })
	}
	if len(out) == 0 {
		return nil, errors.New("no classes left")
	}
	return out, nil
}

func mb(dir string) float64 {
	var n int64
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if i, err := d.Info(); err == nil {
				n += i.Size()
			}
		}
		return nil
	})
	return float64(n) / 1e6
}

// service encodes one service and describes it.
func (g *gen) service(idx int, name string, s *sim.Service) (*score.ServiceTruth, []store.Series, error) {
	r := rand.New(rand.NewPCG(s.Seed, 0x2545f4914f6cdd1d))
	stepMs := int64(math.Round(s.Step * 60e3))
	at := func(minute float64) time.Time {
		return g.start.Add(time.Duration(minute * float64(time.Minute))).Truncate(time.Second)
	}
	t := &score.ServiceTruth{Namespace: namespace, Job: name, Class: s.Class.Name, Leak: s.Class.Leak, Saturating: s.Class.Saturating,
		Step: (time.Duration(stepMs) * time.Millisecond).String()}
	if t.Leak {
		onset := at(s.Onset)
		t.Onset, t.RatePerHour = &onset, s.Rate
		if s.End >= 0 {
			e := at(s.End)
			t.LeakEnd = &e
		} else if s.Until >= 0 {
			e := at(s.Until)
			t.GrowthEnd = &e
		}
		t.Constant = len(s.P.Leaks) == 1 && s.P.Leaks[0].Kind == "const" && s.Until < 0
		if !math.IsInf(s.Oracle, 0) {
			t.OracleHours = &s.Oracle
		}
	}
	var model *prof.Model
	var pw prof.Writer
	if g.profiles {
		model = prof.New(s, name)
		t.KeyFrames = model.KeyFrames()
	}
	rs := fmt.Sprintf("%09x", r.Uint64()&(1<<36-1))
	pods := map[int]string{}
	var firstBefore int64
	var sinceBefore float64
	var out []store.Series
	for k, in := range s.Inst {
		suffix := make([]byte, 5)
		for i := range suffix {
			suffix[i] = "bcdfghjklmnpqrstvwxz2456789"[r.IntN(27)]
		}
		pods[k] = name + "-" + rs + "-" + string(suffix)
		ip := idx<<12 + k&0xfff
		inst := fmt.Sprintf("10.%d.%d.%d:8080", ip>>16&255, ip>>8&255, ip&255)
		t.Instances = append(t.Instances, inst)
		// each target is scraped at its own offset within the interval
		first := g.start.UnixMilli() + r.Int64N(max(1, stepMs/1000))*1000
		since := round(0.5+r.Float64()*math.Min(10, float64(stepMs)/1000-1), 0.01) // first scrape after the process start, s
		if in.Renamed {
			first, since = firstBefore, sinceBefore
		}
		firstBefore, sinceBefore = first, since
		ts := func(i int) int64 { return first + int64(in.T0+i)*stepMs }
		n := len(in.V)
		step := float64(stepMs) / 1000
		scrape := func(offset int64, replica string, missed func(i int) bool) error {
			lset := func(metric string) labels.Labels {
				l := []string{labels.MetricName, metric, "cluster", cluster, "namespace", namespace, "job", name, "pod", pods[k], "instance", inst}
				if replica != "" {
					l = append(l, "prometheus_replica", replica)
				}
				return labels.FromStrings(l...)
			}
			add := func(metric string, f func(i int) float64) error {
				x, err := g.w.Encode(lset(metric), n, func(i int) (int64, float64, bool) {
					v := f(i)
					return offset + int64(in.T0+i)*stepMs, v, !missed(i)
				})
				out = append(out, x)
				return err
			}
			if err := add("go_goroutines", func(i int) float64 { return float64(in.V[i]) }); err != nil {
				return err
			}
			down := func(i int) bool { return int32(in.T0+i) < in.Start[i] }
			fresh := func(i int) bool {
				return i > 0 && in.Start[i] != in.Start[i-1] || int32(in.T0+i) == in.Start[i]
			}
			up := float64(int(in.T0)-int(in.Start[0])) * 0.8 // samples before the first, in part
			if !s.P.NoCPU {
				cpu := up * step * float64(in.CPU[0])
				if err := add("process_cpu_seconds_total", func(i int) float64 {
					switch {
					case down(i):
					case fresh(i):
						cpu = float64(in.CPU[i]) * since
					default:
						cpu += float64(in.CPU[i]) * step
					}
					return round(cpu, 1.0/128)
				}); err != nil {
					return err
				}
			}
			if g.env.Created {
				rc := rand.New(rand.NewPCG(s.Seed+uint64(k), 0xda942042e4dd58b5))
				made := math.Round(up * float64(in.Ended[0]))
				if err := add("go_sched_goroutines_created_goroutines_total", func(i int) float64 {
					ended := sim.Pois(rc, float64(in.Ended[i]))
					switch v := float64(in.V[i]); {
					case down(i):
					case fresh(i):
						made = v + math.Round(ended*since/step)
					case i == 0:
						made += v
					default: // births are deaths and the change
						change := v - float64(in.V[i-1])
						made += change + math.Max(ended, -change)
					}
					return made
				}); err != nil {
					return err
				}
			}
			return add("process_start_time_seconds", func(i int) float64 {
				return round(float64(first+int64(in.Start[i])*stepMs)/1000-since, 0.01)
			})
		}
		if len(s.P.Scrapers) == 0 {
			if err := scrape(first, "", func(i int) bool { return in.Miss[i] }); err != nil {
				return nil, nil, err
			}
		}
		for j, away := range s.P.Scrapers {
			offset := first
			if j > 0 {
				offset = g.start.UnixMilli() + r.Int64N(max(1, stepMs/1000))*1000
			}
			if err := scrape(offset, string(rune('a'+j)), func(i int) bool {
				t := float64(in.T0+i) * s.Step
				return in.Miss[i] || slices.ContainsFunc(away, func(x [2]float64) bool { return t >= x[0] && t < x[1] })
			}); err != nil {
				return nil, nil, err
			}
		}
		if in.Leaky {
			li := score.LeakInstance{Instance: inst}
			li.Leaked = score.Polygon(n, func(i int) (int64, int64) { return ts(i) / 1000, int64(in.Leak[i]) })
			t.LeakyInstances = append(t.LeakyInstances, li)
		}
		if model == nil {
			continue
		}
		dir := filepath.Join(g.out, "archive", "profiles", namespace, name, url.PathEscape(inst))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, nil, err
		}
		for j := range in.Snap {
			sn := &in.Snap[j]
			tm := time.UnixMilli(ts(sn.I)).UTC()
			f, err := os.Create(filepath.Join(dir, tm.Format("20060102T150405Z")+".pb.gz"))
			if err != nil {
				return nil, nil, err
			}
			if err := errors.Join(pw.Write(f, model, sn, tm, s.Seed+uint64(k)), f.Close()); err != nil {
				return nil, nil, err
			}
			g.nProf.Add(1)
		}
	}
	return t, out, nil
}

// round rounds to a multiple of unit.
func round(x, unit float64) float64 { return math.Round(x/unit) * unit }
