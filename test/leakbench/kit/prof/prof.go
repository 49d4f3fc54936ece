// Package prof renders the composition of a simulated process as a goroutine
// profile, in the form that /debug/pprof/goroutine writes.
package prof

import (
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"github.com/gorowatch/gorowatch/test/leakbench/kit/sim"
)

// frames.txt holds the standard library's part of the stacks, taken from real
// profiles: one block for each "# name", leaf first, a line
// "function|file|start line|line"; "+" joins a frame to the location above it
// (the function above was inlined into it).
//
//go:embed frames.txt
var framesTxt string

var std = func() map[string][]string {
	m := map[string][]string{}
	name := ""
	for l := range strings.Lines(framesTxt) {
		l = strings.TrimSpace(l)
		if n, ok := strings.CutPrefix(l, "# "); ok {
			name = n
		} else if l != "" {
			m[name] = append(m[name], l)
		}
	}
	return m
}()

// inlined lists the tops that are inlined into their caller.
var inlined = map[string]bool{"mutex": true, "rlock": true, "wlock": true}

type stack struct {
	locs   []*profile.Location
	weight float64
	same   *stack                 // counts as that one
	label  [2]map[string][]string // goroutines with labels are split over two label sets
}

type def struct {
	file  string
	start int
}

// Model holds the stacks of one service.
type Model struct {
	r    *rand.Rand
	pkg  string
	defs map[string]def // user functions so far

	prof  profile.Profile
	funcs map[string]*profile.Function
	locs  map[string]*profile.Location
	addr  uint64

	fixed, steady, conc, burst, pool, warm, bound, step, batch, misc []*stack
	leaks, extras                                                    [][]*stack
	keys                                                             []string
}

var (
	words = []string{"billing", "catalog", "ledger", "search", "media", "notify", "orders", "quota", "session", "shipping", "stock", "tenant", "audit", "geo", "feed"}
	pkgs  = []string{"api", "cache", "consumer", "export", "index", "ingest", "lock", "pipeline", "pool", "publish", "repo", "rpc", "stream", "sync", "task", "watch", "webhook"}
	types = []string{"Batcher", "Broker", "Client", "Conn", "Dispatcher", "Fetcher", "Handler", "Hub", "Loader", "Manager", "Proxy", "Reader", "Relay", "Runner", "Server", "Store", "Worker"}
	verbs = []string{"await", "collect", "consume", "deliver", "drain", "fanOut", "flush", "forward", "get", "handle", "list", "lookup", "poll", "process", "refresh", "renew", "resolve", "run", "scan", "send", "serve", "wait", "watch"}
)

func pick(r *rand.Rand, s []string) string { return s[r.IntN(len(s))] }

// New makes the stacks of a service. binary is the file name in the mapping.
func New(s *sim.Service, binary string) *Model {
	r := rand.New(rand.NewPCG(s.Seed, 0xd1342543de82ef95))
	m := &Model{r: r, defs: map[string]def{}, funcs: map[string]*profile.Function{}, locs: map[string]*profile.Location{}, addr: 0x47a000}
	m.pkg = "github.com/acme/" + pick(r, words) + "/internal/"
	m.prof = profile.Profile{
		SampleType: []*profile.ValueType{{Type: "goroutine", Unit: "count"}},
		PeriodType: &profile.ValueType{Type: "goroutine", Unit: "count"},
		Period:     1,
		Mapping: []*profile.Mapping{{ID: 1, Start: 0x400000, Limit: 0x1c00000, File: "/app/" + binary,
			BuildID: fmt.Sprintf("%016x%016x%08x", r.Uint64(), r.Uint64(), r.Uint32()), HasFunctions: true}},
	}
	for _, n := range []string{"main", "signal", "accept", "sqlopener", "pprof"} {
		var bottom []string
		if n == "accept" {
			bottom = []string{m.frame("main", "", "main.func1", "/src/cmd/server/main.go")}
		}
		m.fixed = append(m.fixed, m.stack(std[n], bottom))
	}
	loop := []string{"recv", "recv2", "select", "select", "cond", "sleep", "netread", "recv"}
	for i, k := 0, int(sim.LogU(r, 1, 36)); i < k; i++ {
		m.steady = append(m.steady, m.worker(pick(r, loop), 1.5))
	}
	for i, k := 0, int(sim.LogU(r, 5, 21)); i < k; i++ {
		m.conc = append(m.conc, m.handler(pick(r, []string{"clientdo", "clientdo", "netread", "recv", "select", "mutex", "rlock", "sleep", "reqbody", "respwrite", "readall"})))
	}
	bg := m.stack(std["bgread"], nil)
	bg.weight = 0.3
	m.conc = append(m.conc, bg)
	m.burst = []*stack{m.conc[0], m.handler("clientdo")}
	idle, rd, wr := m.stack(std["idleconn"], nil), m.stack(std["readloop"], nil), m.stack(std["writeloop"], nil)
	idle.weight = r.Float64()
	rd.weight = (1 - idle.weight) / 2
	wr.weight = rd.weight
	m.pool = []*stack{idle, rd, wr}
	m.warm = []*stack{m.worker("select", 1), m.worker("recv", 1)}
	m.bound = []*stack{m.worker("recv2", 0)}
	m.step = []*stack{m.worker("recv", 0)}
	m.batch = []*stack{m.worker("recv2", 1), m.worker("clientdo", 1)}
	m.misc = []*stack{m.stack(std["dial"], nil), m.worker("sleep", 0)}
	for _, x := range s.P.Extras {
		if len(x.Waits) > 0 {
			var own []*stack
			for _, top := range x.Waits {
				own = append(own, m.worker(top, 0.5))
			}
			m.extras = append(m.extras, own)
			continue
		}
		m.extras = append(m.extras, []*stack{m.handler("clientdo"), m.handler("recv")})
	}
	for range s.P.Leaks {
		m.leaks = append(m.leaks, m.leak(s.P.Callers))
	}
	return m
}

// KeyFrames returns functions of which every leaking goroutine has one on its stack. No others
// have one, except for some requests in flight in a quarter of the services, which wait where
// others get stuck.
func (m *Model) KeyFrames() []string { return m.keys }

func (m *Model) leak(callers int) []*stack {
	r := m.r
	var out []*stack
	kind := pick(r, []string{"send", "recv", "select", "mutex", "waitgroup", "readall", "sleep"})
	add := func(kind string, w float64) {
		pk, ty, fn := pick(r, pkgs), "(*"+pick(r, types)+")", ""
		file := "/src/internal/" + pk + "/" + pick(r, verbs) + ".go"
		// the goroutine starts in a closure of a method; the method itself has returned
		top := m.frame(m.pkg+pk, ty, pick(r, verbs), file)
		name, n := "", 0
		for name == "" || m.defs[name] != (def{}) {
			fn = pick(r, verbs)
			n = 1 + r.IntN(3)
			name = m.pkg + pk + "." + ty + "." + fn + ".func" + strconv.Itoa(n)
		}
		key := m.frame(m.pkg+pk, ty, fn+".func"+strconv.Itoa(n), file)
		user := []string{key}
		if r.IntN(2) == 0 {
			user = []string{top, key}
		}
		m.keys = append(m.keys, key[:strings.IndexByte(key, '|')])
		if inlined[kind] {
			user[0] = "+" + user[0]
		}
		if callers == 0 {
			s := m.stack(std[kind], user)
			s.weight = w
			out = append(out, s)
			return
		}
		for range callers {
			u := append(slices.Clone(user), m.user(), m.user())
			s := m.stack(std[kind], append(u, std["handler"]...))
			s.weight = w * math.Exp(0.7*r.NormFloat64())
			out = append(out, s)
		}
	}
	n := 1
	if r.IntN(3) == 0 {
		n = 2 + r.IntN(2)
	}
	for i := range n {
		add(kind, math.Pow(0.4, float64(i)))
	}
	if r.IntN(3) == 0 { // a sibling that waits for the leaked one
		callers = 0
		sum := 0.0
		for _, s := range out {
			sum += s.weight
		}
		add(pick(r, []string{"recv", "waitgroup", "select"}), sum)
	}
	if r.IntN(4) == 0 { // healthy requests wait there, too
		for _, s := range out {
			m.conc = append(m.conc, &stack{locs: s.locs, weight: math.Exp(r.NormFloat64()) / float64(len(out)), same: s})
		}
	}
	return out
}

// frame makes up a user function.
func (m *Model) frame(pkg, typ, fn, file string) string {
	name := pkg + "." + fn
	if typ != "" {
		name = pkg + "." + typ + "." + fn
	}
	d, ok := m.defs[name]
	if !ok {
		d = def{file, 20 + m.r.IntN(400)}
		m.defs[name] = d
	}
	return fmt.Sprintf("%s|%s|%d|%d", name, d.file, d.start, d.start+1+m.r.IntN(40))
}

func (m *Model) user() string {
	pk := pick(m.r, pkgs)
	return m.frame(m.pkg+pk, "(*"+pick(m.r, types)+")", pick(m.r, verbs), "/src/internal/"+pk+"/"+pick(m.r, verbs)+".go")
}

// worker is a long-lived goroutine: top, a method or two, and its go statement.
func (m *Model) worker(top string, spread float64) *stack {
	u := []string{m.user()}
	if m.r.IntN(2) == 0 {
		pk := pick(m.r, pkgs)
		u = append(u, m.frame(m.pkg+pk, "(*"+pick(m.r, types)+")", pick(m.r, verbs)+".func1", "/src/internal/"+pk+"/"+pick(m.r, verbs)+".go"))
	}
	if inlined[top] {
		u[0] = "+" + u[0]
	}
	s := m.stack(std[top], u)
	s.weight = math.Exp(spread * m.r.NormFloat64())
	return s
}

// handler is a request in flight.
func (m *Model) handler(top string) *stack {
	var u []string
	for i, k := 0, 1+m.r.IntN(3); i < k; i++ {
		u = append(u, m.user())
	}
	if inlined[top] {
		u[0] = "+" + u[0]
	}
	s := m.stack(std[top], append(u, std["handler"]...))
	s.weight = math.Exp(m.r.NormFloat64())
	if m.r.IntN(5) == 0 {
		k := pick(m.r, []string{"route", "tenant", "span"})
		s.label = [2]map[string][]string{{k: {pick(m.r, words)}}, {k: {pick(m.r, verbs)}}}
	}
	return s
}

func (m *Model) stack(top, rest []string) *stack {
	var groups [][]string
	for _, f := range append(slices.Clone(top), rest...) {
		if g, ok := strings.CutPrefix(f, "+"); ok && len(groups) > 0 {
			groups[len(groups)-1] = append(groups[len(groups)-1], g)
		} else {
			groups = append(groups, []string{f})
		}
	}
	s := &stack{weight: 1}
	for _, g := range groups {
		s.locs = append(s.locs, m.location(g))
	}
	return s
}

func (m *Model) location(g []string) *profile.Location {
	key := strings.Join(g, "\n")
	if l := m.locs[key]; l != nil {
		return l
	}
	m.addr += uint64(17 + m.r.IntN(4000))
	l := &profile.Location{ID: uint64(len(m.locs) + 1), Mapping: m.prof.Mapping[0], Address: m.addr}
	for _, f := range g {
		p := strings.Split(f, "|")
		start, _ := strconv.ParseInt(p[2], 10, 64)
		line, _ := strconv.ParseInt(p[3], 10, 64)
		fn := m.funcs[p[0]]
		if fn == nil {
			fn = &profile.Function{ID: uint64(len(m.funcs) + 1), Name: p[0], SystemName: p[0], Filename: p[1], StartLine: start}
			m.funcs[p[0]] = fn
		}
		l.Line = append(l.Line, profile.Line{Function: fn, Line: line})
	}
	m.locs[key] = l
	return l
}

// split distributes n goroutines by weight, the same way each time.
func split(n int, ss []*stack, emit func(*stack, int)) {
	sum := 0.0
	for _, s := range ss {
		sum += s.weight
	}
	acc, done := 0.0, 0
	for _, s := range ss {
		acc += s.weight
		k := int(math.Round(float64(n)*acc/sum)) - done
		done += k
		emit(s, k)
	}
}

// scatter distributes n goroutines at random.
func scatter(r *rand.Rand, n int, ss []*stack, emit func(*stack, int)) {
	sum := 0.0
	for _, s := range ss {
		sum += s.weight
	}
	for i, s := range ss {
		k := n
		if i < len(ss)-1 {
			p := math.Min(1, s.weight/sum)
			// binomial(n, p), approximately
			k = int(math.Round(float64(n)*p + math.Sqrt(float64(n)*p*(1-p))*r.NormFloat64()))
			k = min(max(k, 0), n)
		}
		n -= k
		sum -= s.weight
		emit(s, k)
	}
}

// Writer writes profiles; it is not safe for concurrent use.
type Writer struct{ gz *gzip.Writer }

// Write writes the profile of one snapshot.
func (w *Writer) Write(out io.Writer, m *Model, sn *sim.Snapshot, t time.Time, seed uint64) error {
	r := rand.New(rand.NewPCG(seed, uint64(t.UnixNano())))
	counts := map[*stack]int{}
	var order []*stack
	emit := func(s *stack, k int) {
		if k <= 0 {
			return
		}
		if s.same != nil {
			s = s.same
		}
		if counts[s] == 0 {
			order = append(order, s)
		}
		counts[s] += k
	}
	fixed := min(len(m.fixed), sn.Steady)
	for i := len(m.fixed) - fixed; i < len(m.fixed); i++ {
		emit(m.fixed[i], 1)
	}
	split(sn.Steady-fixed, m.steady, emit)
	split(sn.Warm, m.warm, emit)
	split(sn.Bound, m.bound, emit)
	split(sn.Step, m.step, emit)
	split(sn.Batch, m.batch, emit)
	scatter(r, sn.Conc, m.conc, emit)
	scatter(r, sn.Burst, m.burst, emit)
	split(sn.Pool, m.pool, emit)
	scatter(r, sn.Misc, m.misc, emit)
	for k, n := range sn.Leak {
		split(n, m.leaks[k], emit)
	}
	for k, n := range sn.Extra {
		scatter(r, n, m.extras[k], emit)
	}
	slices.SortStableFunc(order, func(a, b *stack) int { return counts[b] - counts[a] })

	p := &profile.Profile{SampleType: m.prof.SampleType, PeriodType: m.prof.PeriodType, Period: m.prof.Period,
		Mapping: m.prof.Mapping, TimeNanos: t.UnixNano()}
	seenL, seenF := make([]bool, len(m.locs)+1), make([]bool, len(m.funcs)+1)
	for _, s := range order {
		for _, l := range s.locs {
			if seenL[l.ID] {
				continue
			}
			seenL[l.ID] = true
			p.Location = append(p.Location, l)
			for _, ln := range l.Line {
				if f := ln.Function; !seenF[f.ID] {
					seenF[f.ID] = true
					p.Function = append(p.Function, f)
				}
			}
		}
		n := counts[s]
		if s.label[0] != nil {
			k := r.IntN(n + 1)
			for i, x := range []int{k, n - k} {
				if x > 0 {
					p.Sample = append(p.Sample, &profile.Sample{Location: s.locs, Value: []int64{int64(x)}, Label: s.label[i]})
				}
			}
			continue
		}
		p.Sample = append(p.Sample, &profile.Sample{Location: s.locs, Value: []int64{int64(n)}})
	}
	if w.gz == nil {
		var err error
		if w.gz, err = gzip.NewWriterLevel(out, gzip.DefaultCompression); err != nil {
			return err
		}
	} else {
		w.gz.Reset(out)
	}
	if err := p.WriteUncompressed(w.gz); err != nil {
		return err
	}
	return w.gz.Close()
}
