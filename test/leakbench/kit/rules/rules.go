// Package rules evaluates PromQL-style alerting rules over go_goroutines.
//
// The expressions are computed natively; the results are those of PromQL (5m
// lookback, left-open ranges, a rule evaluation every minute, "for" as in
// Prometheus). The test compares them with the PromQL engine.
package rules

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/score"
	"github.com/gorowatch/gorowatch/test/leakbench/kit/store"
)

const (
	interval = 60 * 1000 // rule evaluation interval, ms
	lookback = 5 * 60 * 1000
	minute   = 60 * 1000
	hour     = 60 * minute
	longest  = 6 * hour // longest range that a rule's result depends on alone
	// mergeGap: alerts of one instance that pause for less count as one.
	mergeGap = time.Hour
)

// Rule is one alerting rule: Score > Thr for For. A NaN score is an absent result.
type Rule struct {
	Expr  string // PromQL; "K" stands for Thr in the tunable ones
	For   time.Duration
	Thr   float64
	Score func(e *Eval, i int) float64
}

// Eval holds one series on the grid of rule evaluations.
type Eval struct {
	v     store.Vector
	t0    int64 // first evaluation, ms
	n     int
	inst  []float64 // instant value
	regs  map[int64][2][]float64
	mins  []float64
	sums  []float64
	upper []int // number of samples with a timestamp <= evaluation i
}

// NewEval prepares a series for evaluations before end, in ms. Range
// expressions outlive the last sample by their range.
func NewEval(v store.Vector, end int64) *Eval {
	e := &Eval{v: v, regs: map[int64][2][]float64{}}
	if len(v.T) == 0 {
		return e
	}
	e.t0 = (v.T[0] + interval - 1) / interval * interval
	e.n = int((min(v.T[len(v.T)-1]+longest, end-1)-e.t0)/interval) + 1
	if e.n < 1 {
		e.n = 0
		return e
	}
	e.inst, e.upper = make([]float64, e.n), make([]int, e.n)
	k := 0
	for i := range e.n {
		t := e.at(i)
		for k < len(v.T) && v.T[k] <= t {
			k++
		}
		e.upper[i], e.inst[i] = k, math.NaN()
		if k > 0 && v.T[k-1] > t-lookback {
			e.inst[i] = v.V[k-1]
		}
	}
	return e
}

func (e *Eval) at(i int) int64 { return e.t0 + int64(i)*interval }

// window returns the samples in (t-w, t].
func (e *Eval) window(i int, w int64) (lo, hi int) {
	hi = e.upper[i]
	lo = hi
	from := e.at(i) - w
	if j := i - int(w/interval); j >= 0 { // the grid knows where the window starts
		return e.upper[j], hi
	}
	for lo > 0 && e.v.T[lo-1] > from {
		lo--
	}
	return lo, hi
}

func (e *Eval) value(i int) float64 { return e.inst[i] }

// offset is the instant value off ms ago.
func (e *Eval) offset(i int, off int64) float64 {
	if j := i - int(off/interval); j >= 0 {
		return e.inst[j]
	}
	return math.NaN()
}

// regression returns slope (per second) and the fitted value at t, over w.
func (e *Eval) regression(i int, w int64) (slope, at float64) {
	r, ok := e.regs[w]
	if !ok {
		r = [2][]float64{make([]float64, e.n), make([]float64, e.n)}
		for i := range e.n {
			lo, hi := e.window(i, w)
			if hi-lo < 2 {
				r[0][i], r[1][i] = math.NaN(), math.NaN()
				continue
			}
			t, y0 := e.at(i), e.v.V[lo]
			var sx, sy, sxy, sxx float64
			for k := lo; k < hi; k++ {
				x, y := float64(e.v.T[k]-t)/1e3, e.v.V[k]-y0
				sx += x
				sy += y
				sxy += x * y
				sxx += x * x
			}
			n := float64(hi - lo)
			s := (sxy - sx*sy/n) / (sxx - sx*sx/n)
			r[0][i], r[1][i] = s, y0+sy/n-s*sx/n
		}
		e.regs[w] = r
	}
	return r[0][i], r[1][i]
}

func (e *Eval) deriv(i int, w int64) float64 { s, _ := e.regression(i, w); return s }

func (e *Eval) predict(i int, w int64, ahead float64) float64 {
	s, a := e.regression(i, w)
	return a + s*ahead
}

func (e *Eval) avg(i int, w int64) float64 {
	if e.sums == nil {
		e.sums = make([]float64, len(e.v.V)+1)
		for k, x := range e.v.V {
			e.sums[k+1] = e.sums[k] + x
		}
	}
	lo, hi := e.window(i, w)
	return (e.sums[hi] - e.sums[lo]) / float64(hi-lo) // 0/0 is NaN
}

// min1h is min_over_time(x[1h]) at evaluation i, which may lie before the data.
func (e *Eval) min1h(i int) float64 {
	if e.mins == nil {
		e.mins = make([]float64, e.n)
		for i := range e.n {
			lo, hi := e.window(i, hour)
			e.mins[i] = math.NaN()
			if hi > lo {
				e.mins[i] = slices.Min(e.v.V[lo:hi])
			}
		}
	}
	if i < 0 {
		return math.NaN()
	}
	return e.mins[i]
}

// delta is PromQL's delta(x[w]), extrapolation included.
func (e *Eval) delta(i int, w int64) float64 {
	lo, hi := e.window(i, w)
	if hi-lo < 2 {
		return math.NaN()
	}
	first, last := e.v.T[lo], e.v.T[hi-1]
	toStart, toEnd := float64(first-(e.at(i)-w)), float64(e.at(i)-last)
	sampled := float64(last - first)
	avg := sampled / float64(hi-lo-1)
	if toStart >= avg*1.1 {
		toStart = avg / 2
	}
	if toEnd >= avg*1.1 {
		toEnd = avg / 2
	}
	return (e.v.V[hi-1] - e.v.V[lo]) * (sampled + toStart + toEnd) / sampled
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Published returns rules found in the wild, at their own thresholds.
func Published() []*Rule {
	x := func(expr string, d time.Duration, f func(e *Eval, i int) bool) *Rule {
		return &Rule{expr, d, 0.5, func(e *Eval, i int) float64 { return truth(f(e, i)) }}
	}
	return []*Rule{
		x("go_goroutines > 1000", 5*time.Minute, func(e *Eval, i int) bool { return e.value(i) > 1000 }),
		x("go_goroutines > 10000", 10*time.Minute, func(e *Eval, i int) bool { return e.value(i) > 10000 }),
		x("deriv(go_goroutines[5m]) > 10", 5*time.Minute, func(e *Eval, i int) bool { return e.deriv(i, 5*minute) > 10 }),
		x("deriv(go_goroutines[1h]) > 0.5 and go_goroutines > 1000", time.Hour, func(e *Eval, i int) bool {
			return e.deriv(i, hour) > 0.5 && e.value(i) > 1000
		}),
		x("predict_linear(go_goroutines[1h], 2*3600) > 10000", 5*time.Minute, func(e *Eval, i int) bool { return e.predict(i, hour, 7200) > 10000 }),
		x("go_goroutines > 1.5 * avg_over_time(go_goroutines[24h]) and deriv(go_goroutines[15m]) > 0", 10*time.Minute, func(e *Eval, i int) bool {
			return e.value(i) > 1.5*e.avg(i, 24*hour) && e.deriv(i, 15*minute) > 0
		}),
		x("go_goroutines / go_goroutines offset 1h > 2", 0, func(e *Eval, i int) bool { return e.value(i)/e.offset(i, hour) > 2 }),
		x("delta(go_goroutines[1h]) > 1000", 15*time.Minute, func(e *Eval, i int) bool { return e.delta(i, hour) > 1000 }),
		x("predict_linear(go_goroutines[1h], 3600) > 2 * go_goroutines", 0, func(e *Eval, i int) bool {
			return e.predict(i, hour, 3600) > 2*e.value(i)
		}),
	}
}

// Tunable returns families with a free threshold K.
func Tunable() []*Rule {
	return []*Rule{
		{"go_goroutines > K", 10 * time.Minute, math.Inf(1), func(e *Eval, i int) float64 { return e.value(i) }},
		{"deriv(go_goroutines[6h]) > K", time.Hour, math.Inf(1), func(e *Eval, i int) float64 { return e.deriv(i, 6*hour) }},
		{"min_over_time(go_goroutines[1h]) / min_over_time(go_goroutines[1h] offset 24h) > K", time.Hour, math.Inf(1), func(e *Eval, i int) float64 {
			return e.min1h(i) / e.min1h(i-24*60)
		}},
	}
}

// held calls f with the score that has been held for the rule's For.
func (r *Rule) held(e *Eval, f func(i int, s float64)) {
	w := int(r.For.Milliseconds()/interval) + 1
	var q []int // indices of a monotonic minimum queue
	sc := make([]float64, e.n)
	run := 0
	for i := range e.n {
		sc[i] = r.Score(e, i)
		if math.IsNaN(sc[i]) {
			q, run = q[:0], 0
			continue
		}
		for len(q) > 0 && sc[q[len(q)-1]] >= sc[i] {
			q = q[:len(q)-1]
		}
		q = append(q, i)
		run++
		if q[0] <= i-w {
			q = q[1:]
		}
		if run >= w {
			f(i, sc[q[0]])
		}
	}
}

// findings returns the rule's alerts on one instance.
func (r *Rule) findings(e *Eval, ns, job, inst string) []score.Finding {
	var out []score.Finding
	var last time.Time
	r.held(e, func(i int, s float64) {
		if !(s > r.Thr) {
			return
		}
		t := time.UnixMilli(e.at(i)).UTC()
		if len(out) == 0 || t.Sub(last) > mergeGap {
			f := score.Finding{Instances: []string{inst}, DetectedAt: t, State: "resolved", Evidence: "rule"}
			f.Service.Namespace, f.Service.Job = ns, job
			out = append(out, f)
		}
		last = t
		end := t
		out[len(out)-1].ResolvedAt = &end
	})
	return out
}

// Run evaluates the published rules and the tunable families on a data set.
// The families' thresholds are set on this very data, so that the share fa of
// the healthy services (without the saturating class) alarms.
func Run(dir string, t *score.Truth, fa float64, workers int) (published, tunable []*Rule, reports map[*Rule]*score.Report, err error) {
	published, tunable = Published(), Tunable()
	reports = map[*Rule]*score.Report{}
	for _, r := range append(slices.Clone(published), tunable...) {
		reports[r] = &score.Report{}
	}
	best := make([][]float64, len(tunable))
	var mu sync.Mutex
	err = each(dir, t, workers, func(s *score.ServiceTruth, es []*Eval, names []string) {
		found := map[*Rule][]score.Finding{}
		for _, r := range published {
			for k, e := range es {
				found[r] = append(found[r], r.findings(e, s.Namespace, s.Job, names[k])...)
			}
		}
		var m []float64
		if !s.Leak && !s.Saturating {
			for _, r := range tunable {
				x := math.Inf(-1)
				for _, e := range es {
					r.held(e, func(_ int, s float64) { x = math.Max(x, s) })
				}
				m = append(m, x)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for r, f := range found {
			reports[r].Leaks = append(reports[r].Leaks, f...)
		}
		for i, x := range m {
			best[i] = append(best[i], x)
		}
	})
	if err != nil {
		return
	}
	for i, r := range tunable {
		if b := best[i]; len(b) > 0 {
			slices.Sort(b)
			r.Thr = b[max(0, len(b)-1-int(fa*float64(len(b))))]
		}
	}
	err = each(dir, t, workers, func(s *score.ServiceTruth, es []*Eval, names []string) {
		for _, r := range tunable {
			for k, e := range es {
				f := r.findings(e, s.Namespace, s.Job, names[k])
				mu.Lock()
				reports[r].Leaks = append(reports[r].Leaks, f...)
				mu.Unlock()
			}
		}
	})
	return
}

func each(dir string, t *score.Truth, workers int, f func(s *score.ServiceTruth, es []*Eval, names []string)) error {
	ch := make(chan *score.ServiceTruth)
	errs := make(chan error, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			db, err := store.Open(dir)
			if err == nil {
				defer db.Close()
			}
			for s := range ch {
				var ts []*store.Target
				if err == nil {
					ts, err = db.Targets(s.Namespace, s.Job, false)
				}
				if err != nil {
					continue // drain
				}
				var es []*Eval
				var names []string
				for _, x := range ts {
					es = append(es, NewEval(x.Goroutines, t.End.UnixMilli()))
					names = append(names, x.Labels.Get("instance"))
				}
				f(s, es, names)
			}
			errs <- err
		})
	}
	for _, s := range t.Services {
		ch <- s
	}
	close(ch)
	wg.Wait()
	for range workers {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}
