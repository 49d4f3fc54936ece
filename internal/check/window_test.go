package check

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// worker is one goroutine of a program in virtual time.
type worker struct {
	id       uint64
	from, to time.Duration // since the program began; to 0: for ever
	where    func(time.Duration) spot
}

// spot is where a goroutine is.
type spot struct {
	state string
	funcs []string // leaf first
}

func at(state string, funcs ...string) func(time.Duration) spot {
	return func(time.Duration) spot { return spot{state, funcs} }
}

// program is a target in virtual time whose goroutines come and go.
type program struct {
	start   time.Time
	rnd     *rand.Rand
	ids     bool // profiles are dumps that name each goroutine
	workers []worker
	streams [][]worker // each in the order in which they begin and end
	lastID  uint64
}

func (p *program) now() time.Duration { return time.Since(p.start) }

// run starts a goroutine that ends after life; 0: never.
func (p *program) run(life time.Duration, where func(time.Duration) spot) {
	r := worker{from: p.now(), where: where}
	if life > 0 {
		r.to = r.from + life
	}
	p.workers = append(p.workers, p.named(r))
}

func (p *program) named(r worker) worker {
	p.lastID++
	r.id = p.lastID
	return r
}

// churn keeps starting goroutines for the next minutes, on average one every period, each of
// which lives for life.
func (p *program) churn(period, life time.Duration, where func(time.Duration) spot) {
	p.stream(func() time.Duration { return time.Duration(p.rnd.ExpFloat64() * float64(period)) }, life, where)
}

// stream starts a goroutine after each pause.
func (p *program) stream(pause func() time.Duration, life time.Duration, where func(time.Duration) spot) {
	var out []worker
	for t := p.now() - time.Second + pause(); t < p.now()+3*time.Minute; t += pause() {
		out = append(out, p.named(worker{from: t, to: t + life, where: where}))
	}
	p.streams = append(p.streams, out)
}

// loop makes a goroutine that sleeps for 20 ms and works for 5 ms, for ever.
func (p *program) loop(name string) func(time.Duration) spot {
	phase := time.Duration(p.rnd.Int64N(int64(25 * time.Millisecond)))
	return func(t time.Duration) spot {
		if (t+phase)%(25*time.Millisecond) < 20*time.Millisecond {
			return spot{"sleep", []string{"time.Sleep", name}}
		}
		return spot{"running", []string{name + "Work", name}}
	}
}

func (p *program) profile(context.Context) (*stack.Snapshot, error) {
	out := &collector.Profile{Format: collector.FormatDebug2, Time: time.Now()}
	t := p.now()
	now := slices.Clone(p.workers)
	for i, stream := range p.streams {
		for len(stream) > 0 && stream[0].to <= t {
			stream = stream[1:]
		}
		p.streams[i] = stream
		for _, r := range stream {
			if r.from > t {
				break
			}
			now = append(now, r)
		}
	}
	for _, r := range now {
		if r.to > 0 && t >= r.to {
			continue
		}
		w := r.where(t)
		rec := collector.Record{Count: 1, State: w.state}
		for _, f := range w.funcs {
			rec.Frames = append(rec.Frames, &collector.Frame{Func: f, File: "/src/x.go", Line: 3})
		}
		if p.ids {
			rec.Goroutines = []collector.Goroutine{{ID: r.id}}
		}
		out.Records = append(out.Records, rec)
	}
	return stack.Of(out), nil
}

// A goroutine counts only if it is in each profile after the load. Goroutines that come and go
// are no leak, whatever they do, and one that stays is found among them.
func TestTransientGoroutinesAreNoLeak(t *testing.T) {
	noise := func(p *program) {
		for i := range 4 {
			p.churn(15*time.Millisecond, 20*time.Millisecond, at("sleep", "time.Sleep", fmt.Sprintf("main.poll%d", i)))
		}
		p.churn(30*time.Millisecond, 20*time.Millisecond, at("chan receive", "main.request", "net/http.(*conn).serve"))
	}
	for _, tc := range []struct {
		name   string
		before func(p *program) // starts with the program
		load   func(p *program)
		want   map[string]int64 // what leaks, by its function
		ids    bool             // only goroutine ids show it
	}{
		{name: "short sleeps", before: noise},
		{name: "short sleeps, only after the load", load: noise},
		{name: "a job every second", load: func(p *program) {
			pause := time.Duration(p.rnd.Int64N(int64(time.Second)))
			p.stream(func() time.Duration {
				defer func() { pause = time.Second }()
				return pause
			}, 300*time.Millisecond, at("chan receive", "main.job"))
		}},
		{name: "loops that were there", before: func(p *program) {
			for i := range 5 {
				p.run(0, p.loop(fmt.Sprintf("main.loop%d", i)))
			}
		}},
		{name: "closures that have one signature", before: func(p *program) {
			p.run(0, at("sleep", "time.Sleep", "main.main.func3"))
			p.churn(7*time.Millisecond, 20*time.Millisecond, at("sleep", "time.Sleep", "main.main.func3.1"))
			p.churn(7*time.Millisecond, 20*time.Millisecond, at("sleep", "time.Sleep", "main.main.func3.2"))
		}},
		{name: "one of such closures stays", ids: true, before: func(p *program) {
			p.run(0, at("sleep", "time.Sleep", "main.main.func3"))
			p.churn(7*time.Millisecond, 20*time.Millisecond, at("sleep", "time.Sleep", "main.main.func3.1"))
		}, load: func(p *program) {
			p.run(0, at("sleep", "time.Sleep", "main.main.func3.1"))
		}, want: map[string]int64{"main.main.func": 1}},
		{name: "a closure that stays beside others that come and go", before: func(p *program) {
			p.run(0, at("sleep", "time.Sleep", "main.main.func3"))
			p.churn(7*time.Millisecond, 20*time.Millisecond, at("sleep", "time.Sleep", "main.main.func3.1"))
		}, load: func(p *program) {
			for range 3 {
				p.run(0, at("chan send", "main.main.func1.1"))
			}
		}, want: map[string]int64{"main.main.func": 3}},
		{name: "tickers that end", load: func(p *program) {
			for i := range 5 {
				p.run(time.Duration(i+1)*time.Second, at("select", "main.tick"))
			}
			p.run(25*time.Second, p.loop("main.retry"))
		}},
		{name: "keep-alive connections that close", load: func(p *program) {
			for i := range 8 {
				p.run(20*time.Second+time.Duration(i)*time.Second, at("IO wait", "net.(*conn).Read", "net/http.(*conn).serve"))
			}
		}},
		{name: "workers that were started anew", ids: true, before: func(p *program) {
			for range 3 {
				p.run(5*time.Second, p.loop("main.worker"))
			}
		}, load: func(p *program) {
			for range 3 {
				p.run(0, p.loop("main.worker"))
			}
		}},
		{name: "a leak of one", before: noise, load: func(p *program) {
			p.run(0, at("chan send", "main.leak"))
		}, want: map[string]int64{"main.leak": 1}},
		{name: "a leak of one that never stands still", before: noise, load: func(p *program) {
			p.run(0, p.loop("main.spin"))
		}, want: map[string]int64{"main.spin": 1}},
		{name: "two leaks while connections close", before: noise, load: func(p *program) {
			p.run(0, at("chan send", "main.leak"))
			p.run(0, at("chan send", "main.leak"))
			p.run(0, at("select", "main.other"))
			for i := range 8 {
				p.run(time.Duration(i+1)*time.Second, at("IO wait", "net.(*conn).Read", "net/http.(*conn).serve"))
			}
		}, want: map[string]int64{"main.leak": 2, "main.other": 1}},
		{name: "a handler that stays while older connections close", ids: true, before: func(p *program) {
			for range 3 {
				p.run(5*time.Second, at("IO wait", "net.(*conn).Read", "net/http.(*conn).serve"))
			}
		}, load: func(p *program) {
			p.run(0, at("chan send", "main.handler", "net/http.(*conn).serve"))
		}, want: map[string]int64{"main.handler": 1}},
		{name: "one stays where others come and go", ids: true, before: noise, load: func(p *program) {
			p.run(0, at("chan receive", "main.request", "net/http.(*conn).serve"))
		}, want: map[string]int64{"main.request": 1}},
	} {
		for _, ids := range []bool{true, false} {
			if tc.ids && !ids {
				continue
			}
			t.Run(fmt.Sprintf("%s, ids %v", tc.name, ids), func(t *testing.T) {
				for seed := range uint64(20) {
					synctest.Test(t, func(t *testing.T) {
						p := &program{start: time.Now(), rnd: rand.New(rand.NewPCG(seed, 1)), ids: ids}
						p.run(0, at("select", "main.main"))
						if tc.before != nil {
							tc.before(p)
						}
						o, err := Options{Target: "http://x", Command: []string{"load"}}.withDefaults()
						require.NoError(t, err)
						c := &checker{Options: o, profile: p.profile, log: t.Logf, command: func(context.Context) error {
							time.Sleep(10*time.Second + time.Duration(p.rnd.Int64N(int64(time.Second))))
							if tc.load != nil {
								tc.load(p)
							}
							return nil
						}}
						res, err := c.check(t.Context())
						require.NoError(t, err)
						got := map[string]int64{}
						for _, s := range res.report.Stacks {
							got[root(s.Stack)] += s.Growth()
						}
						want := map[string]int64{}
						for name, n := range tc.want {
							if name == "main.handler" || name == "main.request" {
								name = "net/http.(*conn).serve"
							}
							want[name] = n
						}
						require.Equal(t, want, got, "seed %d", seed)
						require.Equal(t, len(want) > 0, res.Leaked, "seed %d", seed)
					})
				}
			})
		}
	}
}
