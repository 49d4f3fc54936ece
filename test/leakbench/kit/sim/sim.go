// Package sim simulates labelled go_goroutines series: services with a
// known load, known process starts and, for some, a known goroutine leak.
//
// Everything is deterministic: the same class, environment and seed give the
// same service. Times inside the package are minutes since the start of the
// simulated data; positions in a series are sample indices (minute/step).
package sim

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// Env is what all services of a data set share.
type Env struct {
	Step    float64 // minutes between two scrapes
	Horizon float64 // minutes of data
	// ProfileEvery asks for component snapshots every so many minutes (0: none).
	ProfileEvery float64
	// Created asks for Instance.Ended, for a counter of the goroutines created.
	Created bool
}

// Samples is the number of scrapes of a series that lives through all the data.
func (e Env) Samples() int { return int(math.Round(e.Horizon / e.Step)) }

// Class is a kind of service.
type Class struct {
	Name string
	Leak bool
	// Saturating marks healthy classes that look like a leak for hours or days
	// before they level off; scores count their false alarms separately.
	Saturating bool
	// Set is the set that the class belongs to; "" is the public one.
	Set string
	// About says in a sentence what happens; "" where the README has a table.
	About string
	// Draw draws the parameters of one service.
	Draw func(e Env, r *rand.Rand) *P
}

// Leak is one leak of a service.
type Leak struct {
	Kind  string  // "const", "traffic", "stair", "func", or "exact"
	Rate  float64 // nominal goroutines per hour and leaking instance
	Onset float64 // minute at which leaking starts
	Until float64 // minute at which it stops growing; 0: never
	Stair float64 // mean size of one event of a "stair"
	// Func is the expected number of goroutines leaked in this step ("func"),
	// or the very number ("exact").
	Func func(c *Ctx) float64
}

// Ctx is the state that Extra and Leak functions see.
type Ctx struct {
	R       *rand.Rand
	T       float64 // absolute minute
	Up      float64 // minutes since process start
	Step    float64 // minutes per sample
	Expect  float64 // expected relative load
	Load    float64 // actual relative load
	Restart bool    // first sample of a process
	Flow    float64 // what an Extra tells the leaks of the same instance and sample
	Ended   float64 // goroutines of Extras that ended in this step, as far as they say
}

// Extra is a further healthy component of the goroutine count. New is called
// once for each instance; the function it returns once for each sample, in
// order. n is the number of goroutines, mean its expectation as known to the
// oracle, load the CPU it adds (in relative load units).
type Extra struct {
	Name string
	// Waits is what its goroutines wait in, as profiles show it: names of
	// prof/frames.txt. Without any they are requests in flight.
	Waits []string
	New   func(r *rand.Rand, slot int) func(c *Ctx) (n, mean, load float64)
}

// Life is one pod.
type Life struct {
	Slot   int     // replica number
	T0, T1 float64 // minutes
	Before float64 // minutes the process has already been running at T0
	// Renamed: the process of the life before it, under other labels. What has
	// leaked does not carry over: only for healthy classes.
	Renamed bool
}

// P are the parameters of one service. Times are minutes, counts goroutines.
type P struct {
	Step    float64 // own scrape interval in minutes; 0: the environment's
	N       int     // replicas
	Base    float64 // steady workers
	Conc    float64 // mean requests in flight at load 1
	Amp     float64 // depth of the daily cycle, 0..1
	Phase   float64
	Sharp   float64
	Weekend float64 // load factor on two days of seven
	Growth  float64 // organic growth of the load per week
	ARTau   float64 // load noise: time constant and standard deviation of the log
	ARSd    float64

	PoolPer, PoolHold               float64 // keep-alive connections per unit of concurrency, mean hold
	BurstPerDay, BurstAmp, BurstDur float64
	WarmAmp, WarmTau                float64
	BoundAmp, BoundTau, BoundAt     float64
	StepAt, StepTo                  []float64
	BatchPer, BatchDur, BatchAmp    float64
	Deploys                         []float64                // restarts in place
	DeploysOf                       func(slot int) []float64 // replaces Deploys where replicas restart at different times
	OOM                             float64                  // restart above so many goroutines
	GapPerDay, GapLen, Miss         float64                  // scrape gaps; share of single missed scrapes
	Churn                           float64                  // mean pod life; 0: pods live through
	ShiftAt, ShiftBy                float64                  // load moves to replica 0 at ShiftAt
	CPUScale                        float64                  // cores at load 1
	CPUInfl                         float64                  // CPU grows with leaked/base
	NoCPU                           bool                     // the CPU series is not exported
	// Scrapers are several Prometheus servers that all scrape the service
	// (label prometheus_replica), with the times [from, to) at which each is away.
	Scrapers [][][2]float64

	Leaks   []Leak
	LeaksOn func(slot int) bool // which replicas leak; nil: as Leakers says
	Leakers int                 // how many replicas leak (0: all)
	Callers int                 // profiles: leaking goroutines are handlers with so many callers (0: their own go statement)
	FixAt   float64             // a rollout at this minute (also in Deploys or Lives) ends all leaks; 0: none

	LoadFn func(t float64, slot int) float64 // replaces the daily cycle
	Lives  func(r *rand.Rand) []Life         // replaces Churn
	Extras []Extra
}

// Snapshot is the composition of one instance's count at one sample.
type Snapshot struct {
	I                                                             int // sample index within the instance
	Steady, Warm, Bound, Step, Batch, Conc, Pool, Burst, Misc, Up int
	Leak                                                          []int
	Extra                                                         []int
}

// Instance is one pod: one label set.
type Instance struct {
	Slot    int
	T0      int       // absolute index of the first sample
	V       []float32 // goroutines, known also where the scrape is missing
	Miss    []bool    // the scrape failed
	CPU     []float32 // cores used since the sample before
	Start   []int32   // absolute index of the process start; may be negative
	Leak    []float32 // leaked goroutines present
	mean    []float32 // expectation of the healthy part (oracle only)
	Ended   []float32 // expected goroutines that ended since the sample before, if asked for
	Snap    []Snapshot
	Leaky   bool
	Renamed bool // see Life
}

// Service is the labelled unit.
type Service struct {
	Class Class
	Seed  uint64
	Step  float64 // minutes
	P     *P
	Inst  []*Instance
	// Onset and Until are minutes (first leak; Until < 0: grows to the end),
	// End the minute from which no leaked goroutine is left (< 0: never).
	Onset, Until, End float64
	Rate              float64 // nominal goroutines per hour and leaking instance, all leaks
	Oracle            float64 // detection delay of the oracle, hours; +Inf: never
}

// Find returns the classes with the given names.
func Find(all []Class, name string) (Class, bool) {
	for _, c := range all {
		if c.Name == name {
			return c, true
		}
	}
	return Class{}, false
}

// SeedFor derives the seed of the k-th service of a class.
func SeedFor(seed uint64, class string, k int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(class))
	return (h.Sum64()^seed*0x9e3779b97f4a7c15)*0xbf58476d1ce4e5b9 + uint64(k)*0x94d049bb133111eb
}

// LogU draws log-uniformly from [a, b).
func LogU(r *rand.Rand, a, b float64) float64 { return a * math.Exp(r.Float64()*math.Log(b/a)) }

// Uni draws uniformly from [a, b).
func Uni(r *rand.Rand, a, b float64) float64 { return a + r.Float64()*(b-a) }

// LogN draws log-normally with the given median and log standard deviation.
func LogN(r *rand.Rand, med, sd float64) float64 { return med * math.Exp(sd*r.NormFloat64()) }

// Pois draws from a Poisson distribution (normal above a mean of 30).
func Pois(r *rand.Rand, m float64) float64 {
	if m <= 0 {
		return 0
	}
	if m > 30 {
		return math.Max(0, math.Round(m+math.Sqrt(m)*r.NormFloat64()))
	}
	l, k, p := math.Exp(-m), 0.0, 1.0
	for {
		p *= r.Float64()
		if p < l {
			return k
		}
		k++
	}
}
