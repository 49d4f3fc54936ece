package stack

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	runtimepprof "runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
)

func of(recs ...collector.Record) *Snapshot {
	return Of(&collector.Profile{Format: collector.FormatProto, Records: recs})
}

func count(n int64, rec collector.Record) collector.Record {
	rec.Count = n
	return rec
}

func TestDiff(t *testing.T) {
	a, b, c := goroutine("", join(send, []string{"main.a"})...), goroutine("", join(send, []string{"main.b"})...), goroutine("", join(send, []string{"main.c"})...)
	d := goroutine("", join(send, []string{"main.d"})...)
	base := of(count(5, a), count(7, b), count(2, d))
	head := of(count(9, a), count(1904, c), count(2, d))

	deltas := Diff(base, head)
	require.Len(t, deltas, 3, "what stayed the same is not there")
	var got []int64
	for _, d := range deltas {
		got = append(got, d.Growth())
	}
	require.Equal(t, []int64{1904, 4, -7}, got, "most grown first")
	require.Equal(t, "main.c", deltas[0].Key.Func)
	require.Equal(t, "main.b", deltas[2].Key.Func, "what is gone is shown as it was")
	require.Equal(t, [2]int64{7, 0}, [2]int64{deltas[2].Base, deltas[2].Head})

	require.Empty(t, Diff(nil, nil))
	require.Len(t, Diff(nil, head), 3)
	require.Len(t, Diff(base, nil), 3)
}

// Closures of one function are one stack, but the one that grew is shown.
func TestDiffShowsWhatGrew(t *testing.T) {
	idle, leak := goroutine("", join(send, []string{"main.run.func1 /a.go:10"})...), goroutine("", join(send, []string{"main.run.func2 /a.go:20"})...)
	base, head := of(count(100, idle), count(1, leak)), of(count(99, idle), count(50, leak))
	deltas := Diff(base, head)
	require.Len(t, deltas, 1)
	require.Equal(t, int64(48), deltas[0].Growth())
	require.Equal(t, 20, deltas[0].Key.Line)
	require.Equal(t, 20, deltas[0].Frames[0].Line)
	for _, st := range head.Stacks {
		require.Equal(t, 10, st.Key.Line, "the snapshot itself shows the most frequent")
	}
	// A release moved the lines, so places cannot be matched, and the most frequent one gained
	// most.
	moved := of(count(99, goroutine("", join(send, []string{"main.run.func1 /a.go:11"})...)), count(150, goroutine("", join(send, []string{"main.run.func2 /a.go:21"})...)))
	require.Equal(t, 21, Diff(base, moved)[0].Key.Line)
}

// randomSnapshot picks some of 40 stacks in all formats.
func randomSnapshot(r *rand.Rand) *Snapshot {
	p := &collector.Profile{Format: []collector.Format{collector.FormatProto, collector.FormatDebug1, collector.FormatDebug2}[r.IntN(3)]}
	for range r.IntN(30) {
		fn := "main.f" + strconv.Itoa(r.IntN(10))
		rec := count(1+r.Int64N(100), goroutine("", fn+" /a.go:"+strconv.Itoa(r.IntN(3))))
		switch op := r.IntN(4); {
		case op == 0:
			rec.Frames = append([]*collector.Frame{{Func: "sync.(*Mutex).Lock"}}, rec.Frames...)
		case p.Format == collector.FormatDebug2:
			rec.State = []string{"", "chan send", "select", "running"}[op]
		case p.Format == collector.FormatProto:
			rec.Frames = append([]*collector.Frame{{Func: []string{"", "runtime.chansend1", "runtime.selectgo", "runtime.asyncPreempt"}[op]}}, rec.Frames...)
		}
		p.Records = append(p.Records, rec)
	}
	return Of(p)
}

func TestDiffProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		a, b := randomSnapshot(r), randomSnapshot(r)
		require.Empty(t, Diff(a, a))
		var sum int64
		forth := Diff(a, b)
		for i, d := range forth {
			require.NotZero(t, d.Growth())
			sum += d.Growth()
			if i > 0 {
				require.GreaterOrEqual(t, forth[i-1].Growth(), d.Growth())
			}
		}
		require.Equal(t, b.Total-a.Total, sum, "the growths add up")
		back := Diff(b, a)
		require.Len(t, back, len(forth))
		sum = 0
		for _, d := range back {
			sum += d.Growth()
		}
		require.Equal(t, a.Total-b.Total, sum)
	}
}

func TestOfStopsAtTheLargestNumber(t *testing.T) {
	s := of(count(math.MaxInt64, goroutine("", "main.a /a.go:1")), count(5, goroutine("", "main.a /a.go:2")), count(-3, goroutine("", "main.b")), count(0, goroutine("", "main.c")))
	require.Equal(t, int64(math.MaxInt64), s.Total)
	require.Len(t, s.Stacks, 1)
}

// The values from dumps are added up.
func TestOfMerges(t *testing.T) {
	a, b := goroutine("chan send", "main.run.func1"), goroutine("chan send", "main.run.func2")
	a.Goroutines, a.Wait, a.Leaked, a.Labels = []collector.Goroutine{{ID: 1}, {ID: 2}}, time.Minute, true, map[string]string{"x": "y", "z": "1"}
	b.Goroutines, b.Wait, b.Labels, b.CreatedBy = []collector.Goroutine{{ID: 3}}, time.Hour, map[string]string{"x": "y", "z": "2"}, collector.Frame{Func: "main.run"}
	a.Count = 2
	s := Of(&collector.Profile{Format: collector.FormatDebug2, Records: []collector.Record{a, b}})
	require.Len(t, s.Stacks, 1)
	for _, st := range s.Stacks {
		require.Equal(t, []collector.Goroutine{{ID: 1}, {ID: 2}, {ID: 3}}, st.Goroutines)
		require.Equal(t, time.Hour, st.Wait)
		require.EqualValues(t, 3, st.Count)
		require.EqualValues(t, 2, st.Leaked)
		require.Equal(t, map[string]string{"x": "y"}, st.Labels)
		require.Equal(t, "main.run", st.CreatedBy.Func)
	}
	require.Equal(t, map[string]string{"x": "y", "z": "1"}, a.Labels, "the profile stays as it was")
	require.Equal(t, []collector.Goroutine{{ID: 1}, {ID: 2}}, a.Goroutines)
}

func TestKey(t *testing.T) {
	for name, tc := range map[string]struct {
		frames []string
		want   string
		user   bool
	}{
		"below the standard library":       {[]string{"net.(*conn).Read", "main.read", "main.main"}, "main.read", true},
		"below a library":                  {[]string{"github.com/lib/pq.(*conn).recv", "database/sql.(*DB).Query", "github.com/acme/shop/repo.(*Repo).Find"}, "github.com/acme/shop/repo.(*Repo).Find", true},
		"vendored library":                 {[]string{"github.com/acme/shop/vendor/github.com/lib/pq.(*conn).recv", "github.com/acme/shop.find"}, "github.com/acme/shop.find", true},
		"library alone":                    {[]string{"bufio.(*Reader).Read", "github.com/lib/pq.(*conn).recv", "github.com/lib/pq.(*Listener).main"}, "github.com/lib/pq.(*Listener).main", false},
		"library started by a closure":     {[]string{"go.opentelemetry.io/otel/sdk/trace.(*batchSpanProcessor).processQueue", "go.opentelemetry.io/otel/sdk/trace.NewBatchSpanProcessor.func2"}, "go.opentelemetry.io/otel/sdk/trace.(*batchSpanProcessor).processQueue", false},
		"library that recovers":            {[]string{"github.com/IBM/sarama.(*Broker).responseReceiver", "github.com/IBM/sarama.withRecover"}, "github.com/IBM/sarama.(*Broker).responseReceiver", false},
		"library, a closure that works":    {[]string{"github.com/valyala/fasthttp.(*HostClient).Do", "github.com/valyala/fasthttp.clientDoDeadline.func1"}, "github.com/valyala/fasthttp.clientDoDeadline.func1", false},
		"standard library alone":           {[]string{"bufio.(*Reader).Peek", "net/http.(*persistConn).readLoop"}, "net/http.(*persistConn).readLoop", false},
		"not a library, only like it":      {[]string{"github.com/lib/pqx.run"}, "github.com/lib/pqx.run", true},
		"a module without a dot":           {[]string{"shop/cart.add"}, "shop/cart.add", true},
		"a closure that a library brought": {[]string{"main.start.Go.func1 /root/go/pkg/mod/golang.org/x/sync@v0.1.0/errgroup/errgroup.go:75", "main.start"}, "main.start", true},
		"nothing":                          {nil, "", false},
	} {
		st := only(t, goroutine("select", tc.frames...), collector.FormatDebug2)
		require.Equal(t, tc.want, st.Key.Func, name)
		require.Equal(t, tc.user, st.UserCode, name)
	}
}

// The numbers equal those of go tool pprof -base, stack by stack, on profiles of this very
// program.
func TestDiffAgreesWithPprof(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) string {
		f, err := os.Create(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NoError(t, runtimepprof.Lookup("goroutine").WriteTo(f, 0))
		require.NoError(t, f.Close())
		return f.Name()
	}
	var wg sync.WaitGroup
	first, second := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	begin := func(n int, f func()) {
		ready := make(chan struct{})
		for range n {
			wg.Go(func() { ready <- struct{}{}; f() })
			<-ready
		}
	}
	begin(7, func() { <-first })
	begin(3, func() { mu.Lock(); defer mu.Unlock(); <-second }) // one holds it, two wait
	base := write("base.pb.gz")
	close(first)
	begin(11, func() {
		select {
		case <-second:
		case <-t.Context().Done():
		}
	})
	begin(5, func() { descend(4, second) })
	begin(2, func() { descend(9, second) })
	head := write("head.pb.gz")
	close(second)
	wg.Wait()

	out := filepath.Join(dir, "diff.pb.gz")
	cmd := exec.Command("go", "tool", "pprof", "-proto", "-symbolize=none", "-output="+out, "-base", base, head)
	cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+dir, "HOME="+dir, "GOCACHE="+goCache(t))
	msg, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", msg)
	agreeWithPprof(t, base, head, out)
}

func descend(n int, c chan struct{}) {
	if n == 0 {
		<-c
		return
	}
	descend(n-1, c)
}

func goCache(t *testing.T) string {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	require.NoError(t, err)
	return string(bytes.TrimSpace(out))
}

func snapshotOf(t *testing.T, path string) *Snapshot {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	p, err := pprof.Parse(f, time.Time{}, pprof.Limits{})
	require.NoError(t, err)
	return Of(p)
}

func agreeWithPprof(t *testing.T, base, head, diff string) {
	t.Helper()
	f, err := os.Open(diff)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	ref, err := profile.Parse(f)
	require.NoError(t, err)
	want := map[string]int64{}
	n := newNamer()
	for _, s := range ref.Sample {
		var rec collector.Record
		for _, l := range s.Location {
			for _, ln := range l.Line {
				rec.Frames = append(rec.Frames, &collector.Frame{Func: ln.Function.Name, File: ln.Function.Filename, Line: int(ln.Line)})
			}
		}
		shape, _, _ := n.read(n.places(rec.Frames, nil), "", collector.FormatProto)
		want[shape.Signature] += s.Value[0]
	}
	for sig, v := range want {
		if v == 0 {
			delete(want, sig)
		}
	}
	got := map[string]int64{}
	for _, d := range Diff(snapshotOf(t, base), snapshotOf(t, head)) {
		got[d.Signature] = d.Growth()
	}
	require.GreaterOrEqual(t, len(got), 2)
	require.Equal(t, want, got)
}

// FuzzCanonical: any name has one canonical form, which closures' numbers do
// not change.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"main.main", "main.(*T).f.func1.2", "a/b.c[...].d-range1", "main.f.gowrap1.g-fm", "x.glob..func1", "[", "]", "-range", ".", "..", "func1", "a.func1-range1-fm"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		pkg, fn, _ := canonical(name)
		require.LessOrEqual(t, len(pkg)+len(fn), len(name)+len(".func")+len("init"))
		if strings.Contains(fn, "/") {
			return // "main." would be part of its path
		}
		_, a, _ := canonical("main." + fn + ".func1")
		_, b, _ := canonical("main." + fn + ".func27.3")
		require.Equal(t, a, b)
		st := only(t, goroutine("select", name), collector.FormatDebug2)
		require.Equal(t, int64(1), st.Count)
	})
}

func TestRelated(t *testing.T) {
	shop := of(goroutine("", "github.com/acme/shop/cart.(*Cart).add", "main.main /src/shop/main.go"))
	other := of(goroutine("", "github.com/acme/mail.send", "main.main /src/mail/main.go"))
	require.True(t, Related(shop, shop))
	require.False(t, Related(shop, other), "main.main alone makes no relation")
	require.True(t, Related(shop, of(goroutine("", "github.com/acme/shop/cart.Cart.add[...] /elsewhere.go"))))
	require.True(t, Related(shop, of(goroutine("", "main.main /src/shop/main.go"))))
	require.True(t, Related(shop, of(goroutine("", "net/http.(*conn).serve"))), "nothing to compare")
	require.True(t, Related(shop, of()))
}
