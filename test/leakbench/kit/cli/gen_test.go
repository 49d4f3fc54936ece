package cli

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/score"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/sim"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/store"
)

// TestGen checks that the counts in every profile add up to go_goroutines at
// that moment and that leak stacks hold what the truth says, in most services
// nothing else; and that the CPU counter resets with the process.
func TestGen(t *testing.T) {
	for _, c := range []struct {
		set   string
		every string
		least int // profiles, and those with leaked goroutines, at the very least
	}{{"public", "1h", 1000}, {sim.SetHard, "2h", 500}} {
		t.Run(c.set, func(t *testing.T) {
			t.Parallel()
			checkProfiles(t, c.least, "-classes", c.set, "-days", "2", "-per-class", "1", "-profiles", "-profile-every", c.every, "-step", "30s")
		})
	}
}

func checkProfiles(t *testing.T, least int, args ...string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	if err := genCmd(append(sim.Public(), sim.Hard()...), append(args, "-out", dir)); err != nil {
		t.Fatal(err)
	}
	truth, err := score.ReadJSON[score.Truth](filepath.Join(dir, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(filepath.Join(dir, "tsdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n, withLeak := 0, 0
	shared := map[string]bool{} // services with healthy requests on leak stacks
	for _, s := range truth.Services {
		ts, err := db.Targets(s.Namespace, s.Job, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range ts {
			inst := x.Labels.Get("instance")
			for i := 1; i < len(x.CPU.T); i++ {
				if restarted := x.Start.V[i] != x.Start.V[i-1]; restarted != (x.CPU.V[i] < x.CPU.V[i-1]) && restarted {
					t.Errorf("%s %s: CPU counter does not reset at %d", s.Class, inst, x.CPU.T[i])
				} else if !restarted && x.CPU.V[i] < x.CPU.V[i-1] {
					t.Errorf("%s %s: CPU counter resets at %d without a restart", s.Class, inst, x.CPU.T[i])
				}
			}
			pd := filepath.Join(dir, "archive", "profiles", s.Namespace, s.Job, url.PathEscape(inst))
			fs, _ := os.ReadDir(pd)
			for _, f := range fs {
				at, err := time.Parse("20060102T150405Z.pb.gz", f.Name())
				if err != nil {
					t.Fatal(err)
				}
				b, _ := os.ReadFile(filepath.Join(pd, f.Name()))
				p, err := profile.ParseData(b)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.CheckValid(); err != nil {
					t.Fatal(err)
				}
				sum, leaked := 0.0, 0.0
				for _, sm := range p.Sample {
					sum += float64(sm.Value[0])
					for _, l := range sm.Location {
						for _, ln := range l.Line {
							if slices.Contains(s.KeyFrames, ln.Function.Name) {
								leaked += float64(sm.Value[0])
							}
						}
					}
				}
				i, ok := slices.BinarySearch(x.Goroutines.T, at.UnixMilli())
				if !ok || x.Goroutines.V[i] != sum {
					t.Fatalf("%s %s %s: profile sums to %v, no such sample", s.Class, inst, f.Name(), sum)
				}
				want := 0.0
				for k := range s.LeakyInstances {
					if li := &s.LeakyInstances[k]; li.Instance == inst {
						want = li.At(at)
					}
				}
				if d := leaked - want; d < -3-0.06*want {
					t.Errorf("%s %s %s: %v goroutines on leak stacks, truth %v", s.Class, inst, f.Name(), leaked, want)
				} else if d > 3+0.06*want {
					shared[s.Job] = true
				}
				if leaked > 0 {
					withLeak++
				}
				n++
			}
		}
	}
	leaks := 0
	for _, s := range truth.Services {
		if s.Leak {
			leaks++
		}
	}
	if len(shared) > leaks/2 {
		t.Errorf("%d of %d leaks share their stack", len(shared), leaks)
	}
	t.Logf("%d profiles, %d with leaked goroutines", n, withLeak)
	if n < least || withLeak < least/10 {
		t.Errorf("%d profiles, %d with leaked goroutines", n, withLeak)
	}
}

// TestCreated checks that the counter of goroutines created restarts with the
// process and grows by no less than the goroutines do; and that asking for it
// changes nothing else.
func TestCreated(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-days", "3", "-per-class", "1", "-classes", "restart,deploys,hang,L-gaps"}
	with, without := filepath.Join(dir, "with"), filepath.Join(dir, "without")
	for _, a := range [][]string{{"-out", with, "-created"}, {"-out", without}} {
		if err := genCmd(sim.Public(), append(a, args...)); err != nil {
			t.Fatal(err)
		}
	}
	a, _ := os.ReadFile(filepath.Join(with, "truth.json"))
	b, _ := os.ReadFile(filepath.Join(without, "truth.json"))
	if !bytes.Equal(a, b) {
		t.Error("-created changes the truth")
	}
	truth, err := score.ReadJSON[score.Truth](filepath.Join(with, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(filepath.Join(with, "tsdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	restarts := 0
	for _, s := range truth.Services {
		ts, err := db.Targets(s.Namespace, s.Job, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range ts {
			v := created(t, db, x.Labels)
			if len(v) != len(x.Goroutines.V) {
				t.Fatalf("%s: %d samples of the counter, %d of the goroutines", s.Class, len(v), len(x.Goroutines.V))
			}
			for i := 1; i < len(v); i++ {
				g := x.Goroutines.V
				if x.Start.V[i] != x.Start.V[i-1] {
					restarts++
					if v[i] >= v[i-1] {
						t.Errorf("%s: the counter does not restart with the process", s.Class)
					}
				} else if d := v[i] - v[i-1]; d < 0 || d < g[i]-g[i-1] {
					t.Errorf("%s: %v created, goroutines grow by %v", s.Class, d, g[i]-g[i-1])
				}
			}
		}
	}
	if restarts == 0 {
		t.Error("no restart")
	}
}

func created(t *testing.T, db *store.DB, target labels.Labels) (out []float64) {
	var ms []*labels.Matcher
	target.Range(func(l labels.Label) { ms = append(ms, labels.MustNewMatcher(labels.MatchEqual, l.Name, l.Value)) })
	ms = append(ms, labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, "go_sched_goroutines_created_goroutines_total"))
	set := db.Querier().Select(context.Background(), true, nil, ms...)
	for set.Next() {
		for it := set.At().Iterator(nil); it.Next() == chunkenc.ValFloat; {
			_, v := it.At()
			out = append(out, v)
		}
	}
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
