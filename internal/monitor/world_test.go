package monitor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// process is a simulated process: steady goroutines, and leaked ones from an onset on.
type process struct {
	labels  labels.Labels
	started time.Time
	steady  int
	daily   int       // goroutines that serve requests at the peak of the day
	onset   time.Time // zero: it does not leak
	perHour float64
	fn      string
	pprof   error // of pulls
	// comeAndGo means that no goroutine stays, whatever the counts look like.
	comeAndGo bool
	// busy means that its goroutines work, so that the load grows with their number.
	busy bool
	op   string // the operation that the leaked goroutines wait in; default chan send
	gc   bool   // it has a goroutineleak profile
	// missed is how many goroutineleak profiles list nothing before the others do.
	missed int
	// silent means that it has no series, hidden that no list of targets has it.
	silent, hidden bool
	// unseen means that the leaked goroutines are not in its profiles.
	unseen bool
	// leave is how many goroutines per hour start at the leak's place and end again, the oldest
	// first, in addition to those that stay.
	leave float64
	// stops is when the leak stops; the leaked goroutines stay.
	stops time.Time
	// fell is when some of the leaked goroutines end without a restart; left is the share that stays.
	fell time.Time
	left float64
	main string // the file of its function main; empty: it is on no stack
	// burst is when 300 requests come, for eight minutes.
	burst time.Time
	// end is when all leaked goroutines are gone; hangs means that less and less work gets done
	// until then.
	end   time.Time
	hangs bool
	// watched is the share of the leaked goroutines with the label method=/cart.Cart/Watch; the others
	// have method=/cart.Cart/Get, and each has a label for its request.
	watched float64
}

func (p *process) leaked(t time.Time) int {
	if p.onset.IsZero() || t.Before(p.onset) || !p.end.IsZero() && !t.Before(p.end) {
		return 0
	}
	if !p.stops.IsZero() && t.After(p.stops) {
		t = p.stops
	}
	n := p.perHour * t.Sub(p.onset).Hours()
	if !p.fell.IsZero() && !t.Before(p.fell) {
		n = p.left * p.perHour * p.fell.Sub(p.onset).Hours()
	}
	return int(n)
}

// serving returns how many requests are served, which is never exactly what the load suggests.
func (p *process) serving(t time.Time) int {
	if since := t.Sub(p.burst); !p.burst.IsZero() && since >= 0 && since < 8*time.Minute {
		return 100 + int(since.Minutes()*25)
	}
	x := float64(p.daily) * (1.2 - math.Cos(2*math.Pi*t.Sub(t0).Hours()/24)) / 2.2
	return int(x * (1 + 0.1*wobble(t.Truncate(time.Hour))))
}

// world is what gorowatch watches, with one sample a minute. It is the source, the targets and the
// bucket.
type world struct {
	t         *testing.T
	monitor   *Monitor
	now       time.Time
	processes map[string]*process
	down      error // of the source
	labelText stack.LabelText
	windows   []collector.Window
	updates   [][]leak.Leak
	logs      bytes.Buffer

	mtx   sync.Mutex // what pulls touch
	pulls map[string]int
	dumps map[string]int
	// leakPulls are those of goroutineleak profiles, heaps those of heap profiles.
	leakPulls map[string]int
	heaps     int
	full      error // of writes to the bucket
	lost      error // of reads from the bucket
	// real is the time that the source's clock shows; zero: now.
	real     time.Time
	bucket   map[string]*collector.Profile
	refs     map[string][]leak.ProfileRef
	saved    map[string]leak.Leak
	captured map[string]ondemand.Capture
	written  int
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, now: t0, processes: map[string]*process{},
		pulls: map[string]int{}, dumps: map[string]int{}, leakPulls: map[string]int{}, bucket: map[string]*collector.Profile{}, refs: map[string][]leak.ProfileRef{}, saved: map[string]leak.Leak{}, captured: map[string]ondemand.Capture{},
	}
	w.start()
	return w
}

// start starts gorowatch, or starts it again.
func (w *world) start() {
	m, err := New(w.t.Context(), Options{
		Source: w, Puller: w, Archive: w, TargetsWithoutSeries: w,
		Notify:  func(_ time.Time, leaks []leak.Leak) { w.updates = append(w.updates, slices.Clone(leaks)) },
		History: 24 * time.Hour, DumpLimit: 1000, LabelText: w.labelText,
		Logger: slog.New(slog.NewTextHandler(&w.logs, nil)), Registerer: prometheus.NewRegistry(),
	})
	require.NoError(w.t, err)
	w.monitor = m
}

// add adds a process of a service in the namespace shop.
func (w *world) add(job, instance string, p process) *process {
	p.labels = labels.FromStrings("namespace", "shop", "job", job, "instance", instance)
	if p.started.IsZero() {
		p.started = w.now.Add(-48 * time.Hour)
	}
	if p.steady == 0 {
		p.steady = 20
	}
	w.processes[job+"/"+instance] = &p
	return &p
}

// follow runs what is due between two cycles, as the daemon does.
func (w *world) follow(until time.Time) {
	for {
		next := w.monitor.NextFollow()
		select {
		case <-w.monitor.Urgent():
			next = w.now.Add(time.Second)
		default:
		}
		if next.IsZero() || !next.Before(until) {
			return
		}
		if next.After(w.now) {
			w.now = next
		}
		w.monitor.Follow(w.t.Context(), w.now)
		w.monitor.Wait()
	}
}

// run lets time pass, one cycle a minute.
func (w *world) run(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		next := w.now.Truncate(time.Minute).Add(time.Minute)
		w.follow(next)
		w.now = next
		for {
			err := w.monitor.Cycle(w.t.Context(), w.now)
			require.Equal(w.t, w.down, err)
			w.monitor.Wait()
			if err != nil || !w.monitor.Behind() {
				break
			}
		}
	}
}

func (w *world) firing() []leak.Leak {
	var out []leak.Leak
	for _, l := range w.monitor.Leaks() {
		if l.State == leak.Firing {
			out = append(out, l)
		}
	}
	return out
}

// WithoutSeries lists the processes that belong to none of the instances.
func (w *world) WithoutSeries(_ time.Time, instances iter.Seq[labels.Labels]) (out []labels.Labels) {
	known := map[string]bool{}
	for ls := range instances {
		known[ls.Get("job")+"/"+ls.Get("instance")] = true
	}
	for _, name := range slices.Sorted(maps.Keys(w.processes)) {
		if p := w.processes[name]; !known[name] && !p.hidden {
			out = append(out, p.labels)
		}
	}
	return out
}

// wobble is the healthy noise of any service. It depends on the time alone.
func wobble(t time.Time) float64 {
	return math.Round(2 * math.Sin(float64(t.Unix()/60)*1.7))
}

func (w *world) Window(_ context.Context, from, to time.Time) (collector.Window, error) {
	if w.down != nil {
		return collector.Window{}, w.down
	}
	out := collector.Window{From: from, To: to}
	for _, name := range slices.Sorted(maps.Keys(w.processes)) {
		p := w.processes[name]
		if p.silent {
			continue
		}
		s := collector.Series{Labels: p.labels}
		for t := from.Truncate(time.Minute).Add(time.Minute); !t.After(to); t = t.Add(time.Minute) {
			if t.Before(p.started) || (!w.real.IsZero() && t.After(w.real)) {
				continue
			}
			x := collector.Sample{
				T: t.UnixMilli(), Count: float64(p.steady+p.serving(t)+p.leaked(t)) + wobble(t), Load: 0.2,
				Start: float64(p.started.Unix()),
			}
			if p.daily > 0 {
				x.Load = 0.1 + float64(p.serving(t))/100 + wobble(t.Add(7*time.Minute))/10
			}
			if p.hangs && p.leaked(t) > 0 { // as a rate over five minutes shows it
				x.Load *= max(0.1, 1-t.Sub(p.onset).Minutes()/5)
			}
			if p.busy {
				x.Load = 0.1 + x.Count/150 + wobble(t.Add(7*time.Minute))/100
			}
			s.Samples = append(s.Samples, x)
		}
		if len(s.Samples) > 0 {
			out.Series = append(out.Series, s)
		}
	}
	w.windows = append(w.windows, out)
	return out, nil
}

func (w *world) Pull(_ context.Context, now time.Time, instance labels.Labels, _ float64) (*collector.Profile, error) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	name := instance.Get("job") + "/" + instance.Get("instance")
	w.pulls[name]++
	p := w.processes[name]
	if p == nil {
		return nil, collector.Errorf(collector.ReasonNoTarget, "no target")
	}
	if p.pprof != nil {
		return nil, p.pprof
	}
	out := &collector.Profile{Kind: collector.KindGoroutine, Format: collector.FormatDebug2, Time: now, Raw: []byte(name)}
	add := func(state, fn string, n int) {
		if n > 0 {
			out.Records = append(out.Records, collector.Record{
				Count: int64(n), State: state, Frames: []*collector.Frame{{Func: fn, File: "main.go", Line: 29}},
			})
			out.Total += int64(n)
		}
	}
	label := func(i int, ls ...string) {
		m := map[string]string{}
		for k := 0; k < len(ls); k += 2 {
			m[ls[k]] = ls[k+1]
		}
		out.Records[i].Labels = m
	}
	if p.main != "" {
		add("chan receive", "main.main", 1)
		out.Records[0].Frames[0].File = p.main
	}
	add("select", "example.org/shop.(*Server).run", p.steady)
	add("IO wait", "example.org/shop.(*Server).serve", p.serving(now))
	if n := p.leaked(now); p.watched > 0 && n > 0 {
		watched := int(p.watched * float64(n))
		for k := range 20 { // their own requests
			before := len(out.Records)
			add("chan send", p.fn, watched*(k+1)/20-watched*k/20)
			if len(out.Records) > before {
				label(before, "method", "/cart.Cart/Watch", "request", strconv.Itoa(k))
			}
		}
		before := len(out.Records)
		add("chan send", p.fn, n-watched)
		if len(out.Records) > before {
			label(before, "method", "/cart.Cart/Get")
		}
		return out, nil
	}
	if !p.unseen {
		add(cmp.Or(p.op, "chan send"), p.fn, p.leaked(now))
	}
	return out, nil
}

// Dump shows the goroutines with ids: leaked ones keep theirs.
func (w *world) Dump(ctx context.Context, now time.Time, instance labels.Labels, n float64) (*collector.Profile, error) {
	p, err := w.Pull(ctx, now, instance, n)
	if err != nil {
		return nil, err
	}
	w.mtx.Lock()
	defer w.mtx.Unlock()
	name := instance.Get("job") + "/" + instance.Get("instance")
	w.dumps[name]++
	from := uint64(1000)
	if w.processes[name].comeAndGo {
		from *= uint64(w.dumps[name])
	}
	for i := range p.Records {
		first := from * uint64(i+1)
		if p.Records[i].State == "IO wait" { // a request is over before the next dump
			first = 1e6 * uint64(w.dumps[name])
		}
		if left := w.processes[name].leave; p.Records[i].State != "select" {
			first += uint64(left * max(0, now.Sub(w.processes[name].onset).Hours()))
		}
		for id := range uint64(p.Records[i].Count) {
			one := collector.Goroutine{ID: first + id}
			if x := w.processes[name]; x.perHour > 0 && !x.comeAndGo { // the leak's
				came := x.onset.Add(time.Duration(float64(id) / x.perHour * float64(time.Hour)))
				one.Waited = max(0, now.Sub(came).Truncate(time.Minute))
			}
			p.Records[i].Goroutines = append(p.Records[i].Goroutines, one)
			p.Records[i].Wait = max(p.Records[i].Wait, one.Waited)
		}
		p.Records[i].Wait = max(p.Records[i].Wait, 17*time.Minute)
		p.Records[i].CreatedBy = collector.Frame{Func: "example.org/shop.handle", File: "main.go", Line: 18}
	}
	p.Raw = []byte("goroutine 1 [running]:")
	return p, nil
}

// Leaked returns what the garbage collector found, if the process has that profile.
func (w *world) Leaked(_ context.Context, now time.Time, instance labels.Labels, _ float64) (*collector.Profile, error) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	name := instance.Get("job") + "/" + instance.Get("instance")
	w.leakPulls[name]++
	p := w.processes[name]
	if !p.gc {
		return nil, collector.Errorf(collector.ReasonNotFound, "404 Not Found")
	}
	if w.leakPulls[name] <= p.missed {
		return &collector.Profile{Kind: collector.KindGoroutineLeak, Format: collector.FormatDebug2}, nil
	}
	return &collector.Profile{Kind: collector.KindGoroutineLeak, Format: collector.FormatDebug2, Records: []collector.Record{{
		Count: int64(p.leaked(now)), State: "chan send", Leaked: true, Frames: []*collector.Frame{{Func: p.fn, File: "main.go", Line: 29}},
	}}}, nil
}

func (w *world) SaveProfile(_ context.Context, service labels.Labels, instance string, taken time.Time, p *collector.Profile) (leak.ProfileRef, error) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	if w.full != nil {
		return leak.ProfileRef{}, w.full
	}
	ref := leak.ProfileRef{Key: service.Get("job") + "/" + instance + taken.Format("/20060102T150405Z"), Instance: instance, Time: taken, Total: p.Total}
	w.bucket[ref.Key] = p
	w.refs[service.Get("job")+"/"+instance] = append(w.refs[service.Get("job")+"/"+instance], ref)
	return ref, nil
}

func (w *world) SaveDump(_ context.Context, service labels.Labels, instance string, taken time.Time, p *collector.Profile) (leak.ProfileRef, error) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	if w.full != nil {
		return leak.ProfileRef{}, w.full
	}
	ref := leak.ProfileRef{Key: service.Get("job") + "/" + instance + taken.Format("/20060102T150405Z") + ".dump", Instance: instance, Time: taken, Total: p.Total}
	w.bucket[ref.Key] = p
	return ref, nil
}

func (w *world) Profiles(_ context.Context, service labels.Labels, instance string) ([]leak.ProfileRef, error) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	return slices.Clone(w.refs[service.Get("job")+"/"+instance]), nil
}

func (w *world) LoadProfile(_ context.Context, key string) (*collector.Profile, error) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	if p, ok := w.bucket[key]; ok {
		return p, nil
	}
	return nil, errors.New("no such profile")
}

func (w *world) SaveLeak(_ context.Context, l leak.Leak) error {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	if w.full != nil {
		return w.full
	}
	w.saved[l.ID] = l
	w.written++
	return nil
}

func (w *world) Leaks(context.Context) ([]leak.Leak, error) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	return slices.Collect(maps.Values(w.saved)), w.lost
}

func (w *world) SaveCapture(_ context.Context, c ondemand.Capture) error {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	if w.full != nil {
		return w.full
	}
	w.captured[c.ID] = c
	return nil
}

func (w *world) Captures(context.Context) ([]ondemand.Capture, error) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	return slices.Collect(maps.Values(w.captured)), w.lost
}

// lines counts the lines of the log with a text.
func (w *world) lines(text string) int {
	n := 0
	for line := range strings.Lines(w.logs.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}
