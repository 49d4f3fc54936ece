package sim

import (
	"math"
	"math/rand/v2"
)

// shape draws the special parameters of a class.
type shape func(p *P, e Env, r *rand.Rand) flow

// flow is the quantity that a leak under a shape may be a share of: Ctx.Flow.
type flow struct {
	perHour     float64 // units that an instance has in an hour, on average; 0: none
	from, until float64 // when there can be a leak, minutes; 0: from the start, to the end
}

// hard are everyday shapes of healthy services that look like a leak for hours.
// Those with a leak also exist as "L-" and the name.
var hard = []struct {
	name, about string
	saturating  bool
	leak        string // the kind of the leak; "": there is none of this class
	draw        shape
}{
	{"websocket", "websocket clients arrive through the morning and stay until the evening; some processes restart, then the clients come back within minutes", false,
		"the same, and a leak at a constant rate, with the load, in stairs, or left by clients that go", websocket},
	{"longpoll", "clients poll for minutes at a time; most are there in the evening, when the CPU has little to do", false, "", longPoll},
	{"streams", "gRPC streams stay where they are: those of a replica that restarts go to the others, and come back at their maximum age or never", false, "", streams},
	{"previews", "preview environments are created on working days, and removed in the evening or after some days", false, "", previews},
	{"flag", "a feature flag, rolled out at once or in percents, adds up to three goroutines to each request; some flags are turned off again", false,
		"the code behind the flag leaks from the first percent on", flag},
	{"failover", "one replica leads and does all the work; the lead moves now and then, and the CPU shows it or not", false,
		"what the leader does leaks", failover},
	{"fastdeploy", "rolling deploys, three to five on a working day; fresh processes fill fast at first, for one to two hours", false,
		"the same, and a leak of 5 to 2000 an hour that each deploy resets", fastDeploy},
	{"slowdeploy", "as fastdeploy, but fresh processes fill in a straight line or like a logarithm", false, "", slowDeploy},
	{"sdeploy", "as fastdeploy, but fresh processes fill along an S", false, "", sDeploy},
	{"nightdeploy", "deploys at night; fresh processes fill with the work that they do, so they warm up in the morning", false,
		"the same, and a leak", nightDeploy},
	{"tenants", "tenants are added every few minutes to hours, each with goroutines of its own, until it levels off", true, "", tenants},
	{"outage", "a dependency is away for a quarter of an hour to two hours; requests pile up, retries keep the CPU busy, and the rest drains at another pace", false,
		"a share of the requests of each outage never returns", nil},
	{"backlog", "a queue gets hours of work at once; the consumer adds workers a few at a time, then lets them go", false, "", backlog},
	{"cron", "cron jobs fan out; while the database is slow, runs overlap for hours", false,
		"each run leaves goroutines behind", cron},
	{"autopool", "a pool of workers grows with the traffic at once and shrinks slowly, or late", false,
		"the same, and a leak", autoPool},
	{"logcache", "refreshers of a cache grow with the logarithm of the work done, for hours to days", true, "", logCache},
	{"proxy", "a reverse proxy keeps connections to many backends alive: as many as were in use at once, until they have been idle for long enough", false, "", proxy},
	{"secondweek", "the second week is busier by a quarter to three times, from Monday on or little by little", false, "", secondWeek},
	{"nocpu", "websocket, longpoll, flag, backlog, autopool, proxy or secondweek without a CPU series", false,
		"the same, and a leak", noCPU},
}

// SetHard is the name of the set of classes that Hard returns.
const SetHard = "hard"

// Hard returns everyday shapes on which nothing is tuned: healthy ones, and
// leaks under some of the same conditions.
func Hard() []Class {
	var out []Class
	for _, h := range hard {
		draw := func(p *P, e Env, r *rand.Rand, leaks bool) {
			switch {
			case h.draw == nil:
				l := outage(p, e, r, leaks)
				if leaks {
					p.Leaks = []Leak{l}
				}
			case !leaks:
				h.draw(p, e, r)
			default:
				leakUnder(p, e, r, h.name, h.draw(p, e, r))
			}
		}
		out = append(out, Class{Name: h.name, Set: SetHard, About: h.about, Saturating: h.saturating, Draw: func(e Env, r *rand.Rand) *P {
			p := everyday(r)
			draw(p, e, r, false)
			return p
		}})
		if h.leak != "" {
			out = append(out, Class{Name: "L-" + h.name, Set: SetHard, About: h.leak, Leak: true, Draw: func(e Env, r *rand.Rand) *P {
				p := everyday(r)
				draw(p, e, r, true)
				return p
			}})
		}
	}
	return out
}

// everyday draws the parameters that all hard classes start from. The data begin
// on any day of the week, at any time of the service's own day.
func everyday(r *rand.Rand) *P {
	p := Common(r)
	p.Base, p.Conc, p.N = LogU(r, 8, 600), LogU(r, 2, 400), 1+r.IntN(5)
	p.Phase = r.Float64() * 7 * 1440
	p.Amp, p.Weekend = Uni(r, 0.2, 0.95), Uni(r, 0.2, 1.1)
	peak := 60 * Uni(r, 11, 21)
	p.LoadFn = func(t float64, _ int) float64 {
		day, minute := p.clock(t)
		f := 1 - p.Amp + p.Amp*daily(minute, peak, p.Sharp)
		if weekend(day) {
			f *= p.Weekend
		}
		return f
	}
	if r.IntN(6) == 0 {
		p.GapPerDay, p.GapLen, p.Miss = Uni(r, 0, 2), LogU(r, 3, 60), Uni(r, 0, 0.05)
	}
	return p
}

// leakUnder adds a leak: 1 to 2000 goroutines an hour, from any moment of days
// one to eight of ten.
func leakUnder(p *P, e Env, r *rand.Rand, name string, of flow) {
	l := Leak{Kind: "const", Rate: LogU(r, 1, 2000), Onset: e.Horizon * Uni(r, 0.1, 0.8)}
	if r.IntN(3) == 0 {
		p.CPUInfl = Uni(r, 0.005, 0.1)
	}
	switch name {
	case "fastdeploy": // fewer would be gone before anyone could see them
		l.Rate = LogU(r, 5, 2000)
	case "flag":
		l.Kind, l.Onset, l.Until = "func", of.from, of.until
	case "failover", "cron":
		l.Kind = "func"
	case "websocket":
		l.Kind = []string{"const", "traffic", "stair", "func"}[r.IntN(4)]
	default:
		l.Kind = []string{"const", "const", "traffic", "stair"}[r.IntN(4)]
	}
	if l.Kind == "stair" {
		l.Stair = math.Max(1, l.Rate*Uni(r, 0.1, 4))
	}
	if l.Kind == "func" {
		each := l.Rate / of.perHour
		l.Func = func(c *Ctx) float64 { return each * c.Flow }
	}
	p.Leaks = []Leak{l}
}

// noCPU is one of the other shapes, for a service without a CPU series.
func noCPU(p *P, e Env, r *rand.Rand) flow {
	of := []shape{websocket, longPoll, flag, backlog, autoPool, proxy, secondWeek}
	of[r.IntN(len(of))](p, e, r)
	p.NoCPU = true
	return flow{}
}

// clock is the service's own time at minute t: the day, of which five and six
// of each seven are the weekend, and the minute of the day.
func (p *P) clock(t float64) (day int, minute float64) {
	x := t + p.Phase
	return int(x / 1440), math.Mod(x, 1440)
}

// minute is the inverse of clock.
func (p *P) minute(day int, minute float64) float64 { return float64(day)*1440 + minute - p.Phase }

// days are the days of the service that the data touch: [0, days).
func (p *P) days(e Env) int { return int((e.Horizon+p.Phase)/1440) + 1 }

func weekend(day int) bool { return day%7 >= 5 }

// daily is the curve of a day, 0 to 1, highest at the minute peak.
func daily(minute, peak, sharp float64) float64 {
	return math.Pow(0.5*(1+math.Cos(2*math.Pi*(minute-peak)/1440)), sharp)
}

// levels hold goroutines by replica and minute of the data.
type levels [][]float64

func newLevels(p *P, e Env) levels {
	l := make(levels, p.N)
	for i := range l {
		l[i] = make([]float64, int(e.Horizon)+2)
	}
	return l
}

// add adds n goroutines to a replica from one minute to another. Sums have to
// be taken with sum before at is called.
func (l levels) add(slot int, from, to, n float64) {
	x := l[slot]
	clip := func(t float64) int { return int(math.Min(math.Max(t, 0), float64(len(x)-1))) }
	x[clip(from)] += n
	x[clip(to)] -= n
}

func (l levels) sum() {
	for _, x := range l {
		for i := 1; i < len(x); i++ {
			x[i] += x[i-1]
		}
	}
}

func (l levels) at(slot int, t float64) float64 { return l[slot][min(int(t), len(l[slot])-1)] }

// extra is an Extra that follows levels. A fresh process is at its level after
// so many minutes. cpu is the load that each goroutine adds.
func (l levels) extra(name string, fill, cpu float64, waits ...string) Extra {
	return Extra{Name: name, Waits: waits, New: func(_ *rand.Rand, slot int) func(c *Ctx) (float64, float64, float64) {
		return func(c *Ctx) (float64, float64, float64) {
			n := l.at(slot, c.T) * math.Min(1, c.Up/fill)
			return n, n, n * cpu
		}
	}}
}
