package sim

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

var tenDays = Env{Step: 1, Horizon: 14400}

func hardClass(t *testing.T, name string) Class {
	t.Helper()
	c, ok := Find(Hard(), name)
	if !ok {
		t.Fatalf("no class %s", name)
	}
	return c
}

// TestHard checks what holds for each hard class: the same seed gives the same
// service, counts are counts, and only leaks leak, from the onset on.
func TestHard(t *testing.T) {
	for _, c := range Hard() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Leak != (c.Name[:2] == "L-") || c.About == "" || c.Set != SetHard {
				t.Errorf("%+v", c)
			}
			if _, ok := Find(Public(), c.Name); ok {
				t.Error("there is a public class of this name")
			}
			for k := range 4 {
				s := Gen(c, tenDays, SeedFor(1, c.Name, k))
				if k == 0 {
					again := Gen(c, tenDays, SeedFor(1, c.Name, k))
					for i := range s.Inst {
						if !reflect.DeepEqual(s.Inst[i].V, again.Inst[i].V) {
							t.Fatal("differs when made again")
						}
					}
				}
				leaked := float32(0)
				for _, in := range s.Inst {
					for i, v := range in.V {
						if f := float64(v); math.IsNaN(f) || f < 1 || f > 1e7 || f != math.Trunc(f) {
							t.Fatalf("%v goroutines", v)
						}
						if f := float64(in.CPU[i]); math.IsNaN(f) || f < 0 {
							t.Fatalf("%v cores", f)
						}
						if in.Leak[i] > 0 && float64(in.T0+i) < s.Onset {
							t.Fatalf("leaks at minute %d, onset %v", in.T0+i, s.Onset)
						}
						leaked = max(leaked, in.Leak[i])
					}
				}
				if c.Leak != (leaked > 0) {
					t.Errorf("%v goroutines have leaked", leaked)
				}
				if c.Leak && (s.Onset < 1440 || s.Onset > 8*1440) {
					t.Errorf("onset on day %.1f", s.Onset/1440)
				}
			}
		})
	}
}

// TestLeakRate checks that leaks grow at their nominal rate.
func TestLeakRate(t *testing.T) {
	for _, name := range []string{"L-websocket", "L-flag", "L-cron", "L-autopool", "L-nocpu", "L-outage"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := 0.0, 0.0
			for k := range 24 {
				s := Gen(hardClass(t, name), tenDays, SeedFor(2, name, k))
				until := s.Until
				if until < 0 {
					until = tenDays.Horizon
				}
				for _, in := range s.Inst {
					made := 0.0
					for i := 1; i < len(in.Leak); i++ {
						made += math.Max(0, float64(in.Leak[i]-in.Leak[i-1]))
					}
					// As logs, so that the fastest does not decide alone.
					want += math.Log1p(s.Rate * (until - s.Onset) / 60)
					got += math.Log1p(made)
				}
			}
			if d := (got - want) / want; math.Abs(d) > 0.12 {
				t.Errorf("leaked %.2f of what the rates say, as logarithms", 1+d)
			}
		})
	}
}

// level is the mean number of goroutines at a minute of the working days, over
// some services of a class, without what it is at another.
func level(t *testing.T, name string, at, less float64) float64 {
	t.Helper()
	sum, n := 0.0, 0.0
	for k := range 12 {
		s := Gen(hardClass(t, name), tenDays, SeedFor(3, name, k))
		v := s.Inst[0].V
		high, low := 0.0, 0.0
		for i, x := range v {
			day, minute := s.P.clock(float64(i))
			switch {
			case weekend(day):
			case math.Abs(minute-at) < 1:
				high += float64(x)
			case math.Abs(minute-less) < 1:
				low += float64(x)
			}
		}
		sum, n = sum+math.Log(high/low), n+1
	}
	return math.Exp(sum / n)
}

// TestClientsComeAndGo: by day, and the long polls in the evening.
func TestClientsComeAndGo(t *testing.T) {
	if f := level(t, "websocket", 14*60, 4*60); f < 1.5 {
		t.Errorf("websocket: %.2f times as many at 14:00 as at 4:00", f)
	}
	if f := level(t, "longpoll", 21*60, 9*60); f < 1.2 {
		t.Errorf("longpoll: %.2f times as many at 21:00 as at 9:00", f)
	}
}

// TestPoolsLevelOff runs the pools of the saturating classes alone, under a
// steady load and without restarts: they grow, and hardly in the last two days.
func TestPoolsLevelOff(t *testing.T) {
	for _, c := range Hard() {
		if !c.Saturating {
			continue
		}
		flat := 0
		for k := range 40 {
			r := rand.New(rand.NewPCG(4, uint64(k)))
			pool := c.Draw(tenDays, r).Extras[0].New(r, 0)
			var n []float64
			for m := 0.0; m < tenDays.Horizon; m++ {
				x, _, _ := pool(&Ctx{R: r, T: m, Up: m, Step: 1, Expect: 0.6, Load: 0.6, Restart: m == 0})
				if m > 0 && x < n[len(n)-1]-1e-9 {
					t.Fatalf("%s: falls from %v to %v", c.Name, n[len(n)-1], x)
				}
				n = append(n, x)
			}
			last := n[len(n)-1]
			if last <= n[0] {
				t.Errorf("%s: does not grow: %v, %v", c.Name, n[0], last)
			}
			if last-n[8*1440] < 0.1*(last-n[0]) {
				flat++
			}
		}
		if flat < 32 {
			t.Errorf("%s: %d of 40 have levelled off", c.Name, flat)
		}
	}
}

// TestDeploysWarmUp: many fresh processes on working days, each of which is
// fuller after two hours than after five minutes; those of the night start then.
func TestDeploysWarmUp(t *testing.T) {
	for _, name := range []string{"fastdeploy", "slowdeploy", "sdeploy", "nightdeploy"} {
		fresh, night, fuller, long := 0, 0, 0, 0
		for k := range 8 {
			s := Gen(hardClass(t, name), tenDays, SeedFor(5, name, k))
			for _, in := range s.Inst {
				last := int32(-1)
				for i, start := range in.Start {
					if start == last || start <= 0 || int32(in.T0+i) < start {
						continue
					}
					last = start
					fresh++
					if _, minute := s.P.clock(float64(start)); minute < 360 || minute > 1400 {
						night++
					}
					after := i + 720 // the night's are full after a morning
					if name != "nightdeploy" {
						after = i + 115
					}
					if after < len(in.Start) && in.Start[after] == start {
						long++
						if in.mean[after]-in.mean[i+5] > 0 {
							fuller++
						}
					}
				}
			}
		}
		perDay := float64(fresh) / 8 / 10
		t.Logf("%s: %.1f fresh processes a day, %d of %d at night, %d of %d fuller later", name, perDay, night, fresh, fuller, long)
		if perDay < 2 || long < 10 || float64(fuller) < 0.7*float64(long) {
			t.Errorf("%s: %.1f fresh processes a day, %d of %d fuller later", name, perDay, fuller, long)
		}
		if name == "nightdeploy" != (night > fresh/2) {
			t.Errorf("%s: %d of %d start at night", name, night, fresh)
		}
	}
}

// TestOneLeader: a leader that has just been made one has more than it had.
func TestOneLeader(t *testing.T) {
	for k := range 8 {
		s := Gen(hardClass(t, "L-failover"), tenDays, SeedFor(6, "L-failover", k))
		if len(s.Inst) != s.P.N {
			t.Fatalf("%d instances of %d replicas", len(s.Inst), s.P.N)
		}
		for i := range s.Inst[0].V {
			grow := 0
			for _, in := range s.Inst {
				if i > 0 && in.Leak[i] > in.Leak[i-1] {
					grow++
				}
			}
			if grow > 1 {
				t.Fatalf("%d replicas leak at minute %d", grow, i)
			}
		}
	}
}
