package rules

import (
	"context"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/score"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/store"
)

// TestPromQL compares every rule with the PromQL engine, evaluation by
// evaluation, on generated data with gaps, missed scrapes and pod churn.
func TestPromQL(t *testing.T) {
	for _, step := range []string{"60s", "15s"} {
		dir := filepath.Join(t.TempDir(), "data")
		out, err := exec.Command("go", "run", "..", "gen", "-out", dir, "-days", "2", "-step", step, "-per-class", "1", "-classes", "gaps,restart,burst,L-gaps,L-fast,L-churn", "-seed", "3").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
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
		sandbox, _ := os.MkdirTemp(t.TempDir(), "")
		ro, err := tsdb.OpenDBReadOnly(filepath.Join(dir, "tsdb"), sandbox, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer ro.Close()
		eng := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e9, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, NoStepSubqueryIntervalFn: func(int64) int64 { return 60000 }})
		rs := Published()
		for i, r := range Tunable() {
			r.Thr = []float64{300, 0.002, 1.05}[i]
			r.Expr = strings.ReplaceAll(r.Expr, "K", []string{"300", "0.002", "1.05"}[i])
			rs = append(rs, r)
		}
		for _, r := range rs {
			// What PromQL returns is what is above the threshold.
			q, err := eng.NewRangeQuery(context.Background(), ro, nil, r.Expr, truth.Start, truth.End.Add(-time.Minute), time.Minute)
			if err != nil {
				t.Fatal(r.Expr, err)
			}
			res := q.Exec(context.Background())
			m, err := res.Matrix()
			if err != nil {
				t.Fatal(r.Expr, err)
			}
			want := map[string]map[int64]bool{}
			total := 0
			for _, s := range m {
				x := map[int64]bool{}
				for _, p := range s.Floats {
					x[p.T] = true
				}
				want[s.Metric.Get("instance")] = x
				total += len(x)
			}
			q.Close()
			got, diff := 0, 0
			for _, s := range truth.Services {
				ts, err := db.Targets(s.Namespace, s.Job, false)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range ts {
					e := NewEval(x.Goroutines, truth.End.UnixMilli())
					w := want[x.Labels.Get("instance")]
					for i := range e.n {
						v := r.Score(e, i)
						alarm := !math.IsNaN(v) && v > r.Thr
						if alarm {
							got++
						}
						if alarm != w[e.at(i)] {
							diff++
							if diff < 4 {
								t.Errorf("%s: %s at %d: %v (score %g), PromQL %v", r.Expr, x.Labels.Get("instance"), e.at(i), alarm, v, w[e.at(i)])
							}
						}
					}
				}
			}
			t.Logf("step %s: %s: %d results, %d in PromQL, %d differ", step, r.Expr, got, total, diff)
			if got != total {
				t.Errorf("%s: %d results, %d in PromQL", r.Expr, got, total)
			}
		}
	}
}
