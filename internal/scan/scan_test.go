package scan

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "%s; -update rewrites it", path)
}

// fleet is a source of services, and an Evaluator of rules. Each service is a function from the
// time since noon to the count, negative: none.
type fleet struct {
	services map[string]func(time.Duration) float64
	rule     map[string]func(time.Duration) bool
	windows  int
	fail     func(window int) error
}

func (f *fleet) Window(_ context.Context, from, to time.Time) (collector.Window, error) {
	f.windows++
	if f.fail != nil {
		if err := f.fail(f.windows); err != nil {
			return collector.Window{}, err
		}
	}
	w := collector.Window{From: from, To: to}
	for job, count := range f.services {
		s := collector.Series{Labels: labels.FromStrings("namespace", "shop", "job", job, "instance", job+":80")}
		for t := from.Add(time.Minute); !t.After(to); t = t.Add(time.Minute) {
			if n := count(t.Sub(noon)); n >= 0 {
				s.Samples = append(s.Samples, collector.Sample{T: t.UnixMilli(), Count: math.Round(n), Load: 0.2, Start: float64(noon.Unix() - 9999)})
			}
		}
		if len(s.Samples) > 0 {
			w.Series = append(w.Series, s)
		}
	}
	return w, nil
}

func (f *fleet) Signals() []signals.Use {
	return []signals.Use{{Signal: "goroutines", Name: "go_goroutines", Instances: len(f.services)}}
}

func (f *fleet) Matrix(_ context.Context, expr string, start, end time.Time) (model.Matrix, []string, error) {
	if expr != "the rule" {
		return nil, nil, collector.Errorf(collector.ReasonBadData, "bad_data: parse error")
	}
	var out model.Matrix
	for job, there := range f.rule {
		s := &model.SampleStream{Metric: model.Metric{"namespace": "shop", "job": model.LabelValue(job), "instance": model.LabelValue(job + ":80")}}
		for t := start; !t.After(end); t = t.Add(time.Minute) {
			if there(t.Sub(noon)) {
				s.Values = append(s.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(t.UnixNano())})
			}
		}
		if len(s.Values) > 0 {
			out = append(out, s)
		}
	}
	return out, []string{"careful"}, nil
}

// busy goes up and down every ten minutes.
func busy(d time.Duration) float64 { return 40 + 10*math.Sin(d.Minutes()/10) }

// shop returns a fleet in which checkout and cart leak.
func shop() *fleet {
	leaks := func(onset time.Duration, perHour float64) func(time.Duration) float64 {
		return func(d time.Duration) float64 { return busy(d) + perHour*max(0, (d-onset).Hours()) }
	}
	return &fleet{
		services: map[string]func(time.Duration) float64{
			"checkout": leaks(5*time.Hour, 300), "cart": leaks(8*time.Hour, 200), "search": busy, "images": busy,
		},
		rule: map[string]func(time.Duration) bool{
			"checkout": func(d time.Duration) bool { return d > 22*time.Hour },
			"images":   func(d time.Duration) bool { return d%(6*time.Hour) < time.Hour },
			"search":   func(d time.Duration) bool { return d > 30*time.Hour },
		},
	}
}

// options scan the 36 hours from noon.
func (f *fleet) options() Options {
	return Options{Source: f, Start: noon, End: noon.Add(36 * time.Hour), Window: 5 * time.Hour, Workers: 2}
}

func names(leaks []leak.Leak) (out []string) {
	for _, l := range leaks {
		out = append(out, l.Service.Get("job"))
	}
	return out
}

func TestScanFindsWhatLeaks(t *testing.T) {
	f := shop()
	o := f.options()
	var told []Progress
	o.Progress = func(p Progress) { told = append(told, p) }
	r, err := Run(t.Context(), o)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"checkout", "cart"}, names(r.Leaks))
	require.True(t, r.Open())
	require.Equal(t, []int{4, 4}, []int{r.Services, r.Series})
	require.Equal(t, []signals.Use{{Signal: "goroutines", Name: "go_goroutines", Instances: 4}}, r.Signals)
	require.Equal(t, o.End, r.End)
	require.Len(t, told, 8)
	require.Equal(t, Progress{Done: 1, At: o.End, Services: 4, Series: 4, Leaks: 2}, told[7])
	require.Nil(t, r.Comparison)
	require.Nil(t, r.Explanation)
}

func TestScanCompares(t *testing.T) {
	f := shop()
	o := f.options()
	o.Rule, o.Evaluator = &Rule{"the rule", 10 * time.Minute}, f
	r, err := Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, []string{"careful"}, r.Warnings)
	c := r.Comparison
	require.Equal(t, []int{1, 1, 2, 1}, []int{c.Both, c.OnlyHere, c.OnlyRule, c.Recovered})
	require.Equal(t, "checkout", c.Services[0].Labels.Get("job"))
	require.Equal(t, minute(22*60+11), c.Services[0].Fired)
	require.True(t, c.Services[0].Firing)
	lead, both := c.Services[0].Lead()
	require.True(t, both)
	require.Positive(t, lead)
	require.Equal(t, "cart", c.Services[1].Labels.Get("job"))
	require.Equal(t, "images", c.Services[2].Labels.Get("job"))
	require.Equal(t, 6, c.Services[2].Firings)
	require.True(t, c.Services[2].Recovered)
	require.Equal(t, "search", c.Services[3].Labels.Get("job"))
	require.False(t, c.Services[3].Recovered)
}

func TestScanSaysWhatPrometheusSaysOfTheRule(t *testing.T) {
	f := shop()
	o := f.options()
	o.Rule, o.Evaluator = &Rule{"no rule", 0}, f
	r, err := Run(t.Context(), o)
	require.Nil(t, r)
	require.ErrorContains(t, err, "the rule to compare with: bad_data: parse error")
	require.Equal(t, 1, f.windows, "asking again would be of no use")

	o.Evaluator = nil
	_, err = Run(t.Context(), o)
	require.ErrorContains(t, err, "Evaluator")
}

func TestScanExplains(t *testing.T) {
	f := shop()
	o := f.options()
	o.Explain = "Checkout"
	r, err := Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, []string{"checkout"}, names(r.Leaks), "the others are not judged")
	x := r.Explanation
	require.Equal(t, labels.FromStrings("job", "checkout", "namespace", "shop"), x.Service)
	require.NotEmpty(t, x.Changes)
	require.Equal(t, trend.Quiet, x.Changes[0].Status)
	require.NotEmpty(t, x.Detections)
	require.Equal(t, r.Leaks[0].DetectedAt, x.Detections[0].Time)
	require.NotEmpty(t, x.Detections[0].Assessments)
	require.Equal(t, o.End, x.End.Time)
	var b bytes.Buffer
	require.NoError(t, r.Table(&b, View{Width: 100}))
	require.Contains(t, b.String(), "shop/checkout: leaks since")
	for _, line := range strings.Split(b.String(), "\n") {
		require.LessOrEqual(t, len([]rune(line)), 100, line)
	}
}

func TestScanExplainsOneServiceAlone(t *testing.T) {
	for want, text := range map[string]string{
		"c":            `"c" is a part of the names of 3 services, expected one of shop/cart, shop/checkout, shop/search`,
		"shop/chekout": `there is no service "shop/chekout" among 4, the nearest are shop/checkout, `,
	} {
		f := shop()
		o := f.options()
		o.Explain = want
		r, err := Run(t.Context(), o)
		require.Nil(t, r)
		require.ErrorContains(t, err, text)
	}

	// The exact name is meant, even if it comes late.
	f := shop()
	f.services["shop"] = func(d time.Duration) float64 {
		if d < 20*time.Hour {
			return -1
		}
		return 10
	}
	f.services["shop2"] = func(time.Duration) float64 { return -1 }
	o := f.options()
	o.Explain = "shop/shop"
	r, err := Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, "shop", r.Explanation.Service.Get("job"))
}

func TestScanOfNothing(t *testing.T) {
	o := (&fleet{}).options()
	r, err := Run(t.Context(), o)
	require.ErrorIs(t, err, ErrNoSeries)
	require.Nil(t, r)

	o.End = o.Start
	_, err = Run(t.Context(), o)
	require.ErrorContains(t, err, "start is not before the end")
}

// The user interrupts after half of the windows.
func TestInterruptedScanSaysWhatItHas(t *testing.T) {
	f := shop()
	ctx, cancel := context.WithCancel(t.Context())
	o := f.options()
	o.Progress = func(p Progress) {
		if p.Done > 0.5 {
			cancel()
		}
	}
	r, err := Run(ctx, o)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, noon.Add(20*time.Hour), r.End)
	require.ElementsMatch(t, []string{"checkout", "cart"}, names(r.Leaks))

	r, err = Run(ctx, o)
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, r, "there is nothing to say")
}

func TestScanAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := shop()
		f.fail = func(window int) error {
			if window == 2 || window == 3 {
				return collector.Errorf(collector.ReasonStatus, "503 Service Unavailable")
			}
			return nil
		}
		began := time.Now()
		_, err := Run(t.Context(), f.options())
		require.NoError(t, err)
		require.Equal(t, 3*time.Second, time.Since(began))
		require.Equal(t, 10, f.windows)

		f = shop()
		f.fail = func(window int) error {
			if window > 4 {
				return collector.Errorf(collector.ReasonTimeout, "no answer in 2m")
			}
			return nil
		}
		r, err := Run(t.Context(), f.options())
		require.ErrorContains(t, err, "reading 2026-03-02 08:00:00 to 2026-03-02 13:00:00: no answer in 2m")
		require.Equal(t, noon.Add(20*time.Hour), r.End)
		require.Equal(t, 7, f.windows)

		f = shop()
		f.fail = func(int) error { return errors.New("broken") }
		r, err = Run(t.Context(), f.options())
		require.ErrorContains(t, err, "broken")
		require.Nil(t, r)
		require.Equal(t, 1, f.windows)
	})
}

func TestBar(t *testing.T) {
	var b bytes.Buffer
	now := noon
	show, wipe := Bar(&b, noon, func() time.Time { return now })
	now = now.Add(30 * time.Second)
	show(Progress{Done: 0.25, At: noon, Series: 1200, Leaks: 1})
	show(Progress{Done: 1, At: noon, Series: 1200, Leaks: 3})
	wipe()
	lines := strings.Split(b.String(), "\r")
	require.Equal(t, "[=======                       ]  25 %  2026-03-01 12:00 UTC  1,200 series, 1 leak, about 90 s left", lines[1])
	require.Contains(t, lines[2], "100 %")
	require.Len(t, []rune(lines[2]), len([]rune(lines[1])), "nothing of the line before is left")
	require.Empty(t, strings.TrimSpace(lines[3]))
}

// result makes a result by hand, so that it does not change with the judgement.
func result() *Result {
	day := 24 * time.Hour
	r := &Result{Start: noon, End: noon.Add(4 * day), Step: time.Minute, Services: 7, Series: 9, Warnings: []string{"partial response"}}
	r.curves = newCurves(r.Start, r.End, r.Step, nil)
	count := map[string]func(time.Duration) float64{
		"checkout": func(d time.Duration) float64 { return 100 + 40*max(0, (d-30*time.Hour).Hours()) },
		"cart": func(d time.Duration) float64 {
			return 30 + 100*math.Mod(d.Hours(), 16)
		},
		"search":          func(d time.Duration) float64 { return 60 + 50*math.Sin(2*math.Pi*d.Hours()/24) },
		"a|very`long*one": func(d time.Duration) float64 { return 20 + 5*d.Hours() },
		"mail":            func(time.Duration) float64 { return 9 },
	}
	for _, job := range []string{"checkout", "cart", "search", "a|very`long*one", "mail"} {
		for _, instance := range []string{"10.0.0.1:80", "10.0.0.2:80"} {
			if job != "checkout" && instance == "10.0.0.2:80" {
				continue
			}
			s := collector.Series{Labels: labels.FromStrings("namespace", "prod", "job", job, "instance", instance)}
			for d := time.Minute; d <= 4*day; d += time.Minute {
				x := collector.Sample{T: noon.Add(d).UnixMilli(), Count: count[job](d), Start: 1}
				if job == "cart" {
					x.Start = 1000 * (1 + math.Floor(d.Hours()/16))
				}
				if job == "checkout" && instance == "10.0.0.2:80" {
					x.Count = 100
				}
				s.Samples = append(s.Samples, x)
			}
			r.curves.add(r.curves.serviceOf(s.Labels), s)
		}
	}
	service := func(job string) labels.Labels { return labels.FromStrings("namespace", "prod", "job", job) }
	hour := func(h float64) time.Time { return noon.Add(time.Duration(h * float64(time.Hour))) }
	r.Leaks = []leak.Leak{
		{
			ID: "3f2a", Service: service("checkout"), State: leak.Firing, Evidence: leak.Growth, Onset: hour(30), DetectedAt: hour(31.5),
			Rate: trend.Interval{Value: 40, Low: 39.1, High: 40.9}, Leaked: 2640, Instances: []string{"10.0.0.1:80"}, InstancesTotal: 2,
		},
		{
			ID: "77b1", Service: service("cart"), State: leak.Firing, Evidence: leak.Growth, Onset: hour(0.5), DetectedAt: hour(3),
			Rate: trend.Interval{Value: 100, Low: 98, High: 102}, Leaked: 12_345_678, Instances: []string{"10.0.0.1:80"}, InstancesTotal: 1,
		},
		{
			ID: "c0de", Service: service("a|very`long*one"), State: leak.Resolved, Evidence: leak.Stack, Onset: hour(2), DetectedAt: hour(20),
			ResolvedAt: hour(60), Resolution: "the process restarted and grows no more",
			Rate: trend.Interval{Value: 5, Low: 4.8, High: 5.2}, Leaked: 290, Instances: []string{"10.0.0.1:80"}, InstancesTotal: 1,
			Stacks: []leak.StackGrowth{{
				Signature: "main.logHandler", Op: "chan send", Key: collector.Frame{Func: "main.logHandler.func1", File: "/src/handler.go", Line: 29},
				Frames: []collector.Frame{{Func: "main.logHandler.func1", File: "/src/handler.go", Line: 29}}, Base: 12, Head: 302, Share: 0.97,
			}},
		},
	}
	r.Growing = []labels.Labels{service("mail")}
	return r
}

// compareWith compares the result with the alerts of a rule, by hours.
func (r *Result) compareWith() {
	a := newAlerts(Rule{"deriv(go_goroutines[1h]) > 0.01", 10 * time.Minute}, time.Minute)
	for _, s := range []struct {
		metric   model.Metric
		from, to float64
	}{
		{model.Metric{"namespace": "prod", "job": "checkout", "instance": "10.0.0.1:80"}, 1, 2}, // long before it leaks
		{model.Metric{"namespace": "prod", "job": "checkout", "instance": "10.0.0.1:80"}, 33, 96},
		{model.Metric{"namespace": "prod", "job": "cart", "instance": "10.0.0.1:80"}, 2, 16},
		{model.Metric{"namespace": "prod", "job": "search", "instance": "10.0.0.1:80"}, 0, 5},
		{model.Metric{"namespace": "prod", "job": "search", "instance": "10.0.0.1:80"}, 19, 29},
		{model.Metric{"job": "mail"}, 50, 97},
		{model.Metric{"region": "eu|1"}, 50, 51},
	} {
		m := &model.SampleStream{Metric: s.metric}
		for t := noon.Add(time.Duration(s.from * float64(time.Hour))); !t.After(noon.Add(time.Duration(s.to*float64(time.Hour)))) && !t.After(r.End); t = t.Add(time.Minute) {
			m.Values = append(m.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(t.UnixNano())})
		}
		if err := a.add(model.Matrix{m}); err != nil {
			panic(err)
		}
	}
	a.finish(r.End)
	r.Comparison = compare(a, r.Leaks, r.curves)
}

// explain explains the first leak.
func (r *Result) explain() {
	hour := func(h float64) time.Time { return noon.Add(time.Duration(h * float64(time.Hour))) }
	moment := func(h, leaked float64) Moment {
		rate := trend.Interval{Value: 40, Low: 39.1, High: 40.9}
		return Moment{
			Time: hour(h),
			Verdict: trend.Verdict{
				Status: trend.Leaking, Rate: rate, Onset: hour(30), Leaked: leaked, Scale: 15 * time.Minute, Z: 31,
				Instances: []trend.InstanceTrend{{Instance: "10.0.0.1:80", Rate: rate, Onset: hour(30), Leaked: leaked}},
			},
			Assessments: []trend.Assessment{
				{Scale: time.Minute, Blocks: 30, Status: trend.Quiet, Gate: trend.GateTooSmall},
				{Instance: "10.0.0.1:80", Scale: 15 * time.Minute, Blocks: 80, Status: trend.Leaking, Confidence: 0.97, Z: 31, Rate: rate, Onset: hour(30), Level: 99.6, Grown: leaked, Decides: true, Reasons: &trend.Reasons{
					Length: time.Duration((h - 30) * float64(time.Hour)), Ratio: leaked / 110, Other: "warming_up", OtherLength: 2 * time.Hour, OtherRatio: 0.9, Learned: true,
					Explanations: []trend.Explanation{{Name: "leak", Probability: 0.97}, {Name: "warming_up", Probability: 0.02}, {Name: "saturating", Probability: 0.01}},
					Parts:        []trend.Part{{Name: "frequency", LogOdds: -1.2}, {Name: "length_and_size", LogOdds: 4.6}, {Name: "shape", LogOdds: 0.5}, {Name: "rest", LogOdds: -0.4}},
				}},
				{Instance: "10.0.0.1:80", Scale: time.Hour, Blocks: 20, Status: trend.Suspicious, Gate: trend.GateOneStep, Z: 6, Rate: rate, Onset: hour(30), Level: 101, Grown: leaked},
				{Instance: "10.0.0.1:80", Scale: 4 * time.Hour, Blocks: 7},
				{Instance: "10.0.0.2:80", Scale: time.Minute, Blocks: 30, Status: trend.Quiet, Gate: trend.GateNoTrend},
			},
		}
	}
	r.Explanation = &Explanation{
		Service: r.Leaks[0].Service,
		Changes: []Change{
			{hour(0.1), trend.Quiet, trend.GateTooLittle},
			{hour(0.5), trend.Quiet, trend.GateTooSmall},
			{hour(30.5), trend.Quiet, trend.GateNoTrend},
			{hour(31), trend.Suspicious, trend.GateOneStep},
			{hour(31.5), trend.Leaking, trend.GateNone},
		},
		Detections: []Moment{moment(31.5, 60)},
		End:        moment(96, 2640),
	}
}

// states have the largest leak plateaued, and one without a leaking process.
func (r *Result) states() {
	r.Leaks[1].PlateauedAt, r.Leaks[1].Rate = noon.Add(40*time.Hour), trend.Interval{}
	r.Leaks = append(r.Leaks, leak.Leak{
		ID: "beef", Service: labels.FromStrings("namespace", "prod", "job", "search"), State: leak.Firing, Evidence: leak.Growth,
		Onset: noon.Add(3 * time.Hour), DetectedAt: noon.Add(5 * time.Hour), InstancesTotal: 1,
	})
	r.compareWith()
}

func TestGolden(t *testing.T) {
	for name, prepare := range map[string]func(*Result){
		"leaks": func(r *Result) {
			r.Signals = []signals.Use{
				{Signal: "goroutines", Name: "go_goroutines", Instances: 312}, {Signal: "goroutines", Name: "go_goroutine_count", Instances: 41},
				{Signal: "load", Name: "process_cpu_seconds_total", Instances: 312}, {Signal: "load", Instances: 41},
				{Signal: "start_time", Name: "process_start_time_seconds", Instances: 1}, {Signal: "start_time", Name: `max by (job) (start{a="b"})`, Instances: 352},
			}
		},
		"compare": (*Result).compareWith,
		"explain": (*Result).explain,
		"none":    func(r *Result) { r.Leaks, r.Growing = nil, nil },
		"states":  (*Result).states,
	} {
		t.Run(name, func(t *testing.T) {
			r := result()
			prepare(r)
			for file, write := range map[string]func(*bytes.Buffer) error{
				".txt":     func(b *bytes.Buffer) error { return r.Table(b, View{Verbose: true}) },
				".90.txt":  func(b *bytes.Buffer) error { return r.Table(b, View{Width: 90, Limit: 2}) },
				".125.txt": func(b *bytes.Buffer) error { return r.Table(b, View{Width: 125, Verbose: true}) },
				".md":      func(b *bytes.Buffer) error { return r.Markdown(b, View{Limit: 2}) },
				".json":    func(b *bytes.Buffer) error { return r.JSON(b) },
			} {
				var b bytes.Buffer
				require.NoError(t, write(&b))
				golden(t, name+file, b.String())
				if width := map[string]int{".90.txt": 110, ".125.txt": 125}[file]; width > 0 {
					for _, line := range strings.Split(b.String(), "\n") {
						require.LessOrEqual(t, len([]rune(line)), width, line)
					}
				}
			}
		})
	}
}

// A replaced pod counts by its part of the time. One that was not scraped for a while counts as
// running.
func TestSumOfFloors(t *testing.T) {
	c := newCurves(noon, noon.Add(8*time.Hour), time.Hour, []string{"job"})
	require.Equal(t, 8, c.n)
	add := func(instance string, hours ...int) {
		s := collector.Series{Labels: labels.FromStrings("job", "a", "instance", instance)}
		for _, h := range hours {
			for _, m := range []int{15, 30, 45, 60} {
				s.Samples = append(s.Samples, collector.Sample{T: noon.Add(time.Duration(h)*time.Hour - time.Hour + time.Duration(m)*time.Minute).UnixMilli(), Count: float64(100*h + m)})
			}
		}
		c.add(c.serviceOf(s.Labels), s)
	}
	add("a", 1, 2, 4, 5, 8)
	add("b", 2, 3)
	floor, top := c.sum(c.services[serviceKey(labels.FromStrings("job", "a"))], nil)
	require.Equal(t, "[115 430 530 415 515 NaN NaN 815]", fmt.Sprint(floor), "at the third hour a is held to be there")
	require.Equal(t, "[160 520 620 460 560 NaN NaN 860]", fmt.Sprint(top))
	floor, _ = c.sum(c.services[serviceKey(labels.FromStrings("job", "a"))], func(instance string) bool { return instance == "b" })
	require.Equal(t, "[NaN 215 315 NaN NaN NaN NaN NaN]", fmt.Sprint(floor))
	floor, _ = c.sum(nil, nil)
	require.Len(t, floor, 8)
	require.True(t, math.IsNaN(near(floor, 3)))
}

func TestPictures(t *testing.T) {
	require.Equal(t, "▁▂▃▄▅▆▇█", sparkline([]float64{1, 2, 3, 4, 5, 6, 7, 8}, 24), "no wider than there are values")
	require.Equal(t, "▁ █", sparkline([]float64{1, math.NaN(), 3}, 3))
	require.Equal(t, "▁▁", sparkline([]float64{7, 7, 7, 7}, 2))
	p := newPlot(4, 2, 0, 7)
	p.line([]float64{0, 1, 2, 3, 4, 5, 6, 7})
	require.Equal(t, []string{"7 ┤  ⡠⠊", "0 ┤⡠⠊", "  └────", "   a  c"}, p.lines("a", "", "c"))
	// Nothing is drawn outside of the picture.
	p.line([]float64{-1e9, math.NaN(), 1e9})
	p.rise(-5, math.Inf(1), 7, -3, 0, '•')
	p.upright(99, '│', 'x')
}

func TestWrap(t *testing.T) {
	require.Equal(t, []string{"one two", "three"}, wrap("one  two three", 8))
	require.Equal(t, []string{"incomprehensible", "word"}, wrap("incomprehensible word", 4))
	require.Equal(t, []string{"as it  is"}, wrap("as it  is", 0))
	require.Equal(t, []string{""}, wrap("", 5))
}

func TestDistance(t *testing.T) {
	require.Zero(t, distance("prod/checkout", "check"))
	require.Equal(t, 1, distance("prod/checkout", "chekout"))
	require.Equal(t, 2, distance("prod/checkout", "schuckout"))
	require.Equal(t, 3, distance("", "abc"))
}
