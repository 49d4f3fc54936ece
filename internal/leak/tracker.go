package leak

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/trend"
)

// Options of a Tracker.
type Options struct {
	// Base is the smallest block of the trend; the times below scale with it.
	// Default 1 minute.
	Base time.Duration
	// Interval is the time between two Updates. After a longer pause nothing is
	// known of the time between. Default Base.
	Interval time.Duration
	// Patience is how long an alarm on the counts alone waits for the first
	// profiles. Default 10 × Base.
	Patience time.Duration
	// Remember is how long a resolved leak is kept, unless it comes back
	// before: then it is reopened. Default 24 hours; negative: for ever, and what
	// comes back is another one.
	Remember time.Duration
	// Ignore are the leaks that nobody is to be told of; the first rule that
	// matches counts.
	Ignore []Ignore
}

// Tracker moves the leaks of one service through their states. It is not safe
// for concurrent use.
type Tracker struct {
	o        Options
	service  labels.Labels
	open     []*record
	resolved []Leak
	// alarmed is since when the counts alone are enough for an alarm; zero if
	// they are not.
	alarmed time.Time
	// doubted is when that was seen last to be of stacks that do what a pool does.
	doubted time.Time
	// held is why nobody is told of what the counts say, in plain words; empty:
	// they say nothing, or are believed.
	held    string
	updated time.Time // at the last Update
	// names are the instances of the last Update, and when each was met first.
	names map[string]time.Time
	past  past
}

// record is an open leak and what it takes to see its end.
type record struct {
	leak Leak
	// signatures are those of all stacks that were ever part of it.
	signatures map[string]bool
	// watched are the instances that leak.
	watched map[string]*watch
	// grown is when its stacks last grew in the profiles, moved when it, or all
	// that is known of it, did.
	grown, moved time.Time
	// profiled are the instances whose profiles the stacks are counted in.
	profiled []string
	// lasts: its stacks have grown for long as nothing healthy does.
	lasts bool
	// filling: they do what a pool does; doubt is why else they do not bear out
	// what the counts say, empty: they do.
	filling bool
	doubt   string
	// survived is for how long all goroutines that were looked at have stayed.
	survived time.Duration
	// alive are the processes of the watched instances.
	alive map[string]alive
	// cleanSince is since when none of them holds leaked goroutines; zero
	// while one does.
	cleanSince time.Time
	// remaining is what those instances hold that are not rid of what had leaked.
	remaining float64
	// hasRates: the rates of its instances are known.
	hasRates bool
	// largest is its extent when it was on the most instances of late.
	largest extent
}

// watch is an instance that leaks.
type watch struct {
	started time.Time // of the process that leaks, zero if unknown
	clean   float64   // goroutines without the leak
	leaked  float64   // the most that it had of them
	// lower is what clean would be now, and since when it has been as low.
	lower      float64
	lowerSince time.Time
	rate       trend.Interval // when it was last seen to grow
	share      trend.Interval // its part of the leak's rate
	profiled   bool           // rate is that of the stacks
	// lowSince is since when the count is as low as without half of what had
	// leaked; zero while it is not.
	lowSince time.Time
	// stand is how many goroutines the newest profile, taken at seen, has on the
	// leak's stacks; stood is the most that one had.
	seen         time.Time
	stand, stood int64
	// missing is since when it has no samples, gone since when it is known to be
	// gone; zero: it has, it is not.
	missing, gone time.Time
	mark          mark
}

// Observation is what an evaluation has found of the service.
type Observation struct {
	Verdict   trend.Verdict
	Instances []trend.Instance
	// Attributions of the growth, by Attribute; empty with the reason Why.
	Attributions []Attribution
	Why          string
	// Latest is the newest profile of an instance and when it was taken; nil if
	// there is none to be had. It may be nil itself.
	Latest func(instance string) (*stack.Snapshot, time.Time)
	// Presence is what is known of an instance that has no samples; nil: nothing.
	Presence func(instance string) collector.Presence
	// Versions of the processes by instance, where known.
	Versions map[string]string
	// ProfilesExpected: Attributions may still come, it is worth waiting.
	// Profiled: there are several profiles already, and more are to come: what
	// grows would be seen in them.
	ProfilesExpected, Profiled bool

	living map[string]trend.Instance // those of Instances that are there, by name
}

// NewTracker makes a Tracker of a service without leaks.
func NewTracker(service labels.Labels, o Options) *Tracker {
	t := &Tracker{service: service}
	t.Apply(o)
	return t
}

// Apply replaces the options; the leaks stay.
func (t *Tracker) Apply(o Options) {
	if o.Base <= 0 {
		o.Base = time.Minute
	}
	o.Interval = max(o.Interval, o.Base)
	if o.Patience <= 0 {
		o.Patience = 10 * o.Base
	}
	if o.Remember == 0 {
		o.Remember = 24 * time.Hour
	}
	t.o = o
}

// ID is the identity of the leak of a service at a signature: the same on
// every replica, and again when the leak comes back.
func ID(service labels.Labels, signature string) string {
	h := sha256.New()
	h.Write(service.Bytes(nil))
	h.Write([]byte{0xff})
	h.Write([]byte(signature))
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// Restore takes a leak from an earlier run. A leak that was found again in the
// meantime goes on as the one it was.
func (t *Tracker) Restore(l Leak) {
	if i := slices.IndexFunc(t.open, func(r *record) bool { return r.leak.ID == l.ID }); i >= 0 {
		t.open[i].resume(l)
		return
	}
	switch l.State {
	case Firing, Ignored:
	case Suspected:
		return // to be suspected again
	default:
		if t.indexResolved(l.ID) < 0 {
			t.resolved = append(t.resolved, l)
		}
		return
	}
	t.open = append(t.open, restored(l))
}

// restored is the record of an open leak whose document is all that is known of
// it.
func restored(l Leak) *record {
	r := &record{leak: l, watched: map[string]*watch{}, signatures: map[string]bool{}}
	for _, s := range l.Stacks {
		r.signatures[s.Signature] = true
	}
	for _, s := range l.Signatures {
		r.signatures[s] = true
	}
	for _, in := range l.Instances {
		// Where nothing is remembered of how it was without the leak, it counts as
		// clean when it restarts, goes, or loses half of what had leaked.
		r.watched[in] = &watch{leaked: l.Leaked / float64(len(l.Instances)), clean: math.NaN()}
	}
	for _, w := range l.Watched {
		have := r.watched[w.Instance]
		if have == nil { // its process had ended
			have = &watch{}
			r.watched[w.Instance] = have
		}
		have.started, have.clean, have.leaked, have.stood = w.Started, w.Clean, w.Leaked, w.Stood
		have.missing = w.Missing
	}
	return r
}

// resume gives an open leak the past of the document before.
func (r *record) resume(before Leak) {
	l := &r.leak
	l.Transitions = slices.Concat(before.Transitions, l.Transitions)
	l.Transitions = l.Transitions[max(0, len(l.Transitions)-maxTransitions):]
	l.Reopened = max(l.Reopened, before.Reopened)
	if len(l.Deaths) == 0 {
		l.Deaths = before.Deaths
	}
	if before.State == Resolved {
		l.Reopened++
	}
	if before.State == Firing || before.State == Ignored {
		l.DetectedAt = before.DetectedAt
		if !before.Onset.IsZero() {
			l.Onset = before.Onset
		}
		if l.Version == "" {
			l.Version, l.DeployedAt = before.Version, before.DeployedAt
		}
	}
}

func (t *Tracker) indexResolved(id string) int {
	return slices.IndexFunc(t.resolved, func(l Leak) bool { return l.ID == id })
}

// Leaks lists the leaks, open and lately resolved, by the time of detection.
func (t *Tracker) Leaks() []Leak {
	out := slices.Clone(t.resolved)
	for _, r := range t.open {
		out = append(out, r.leak)
	}
	slices.SortFunc(out, ByDetection)
	return out
}

// ByDetection compares leaks by the time of their detection.
func ByDetection(a, b Leak) int {
	return cmp.Or(a.DetectedAt.Compare(b.DetectedAt), cmp.Compare(a.ID, b.ID))
}

// Climb raises the evidence of an open leak; it never lowers it.
func (t *Tracker) Climb(id string, e Evidence) {
	for _, r := range t.open {
		if r.leak.ID == id && e.above(r.leak.Evidence) {
			r.leak.Evidence, r.leak.Missing = e, ""
		}
	}
}

// Survived takes for how long all goroutines of an open leak have stayed.
func (t *Tracker) Survived(id string, d time.Duration) {
	for _, r := range t.open {
		if r.leak.ID == id {
			r.survived = max(r.survived, d)
		}
	}
}

// Miss says why the next step of evidence of an open leak is missing.
func (t *Tracker) Miss(id, why string) {
	for _, r := range t.open {
		if r.leak.ID == id {
			r.leak.Missing = why
		}
	}
}

// Seen takes what only a dump shows of a stack of an open leak: how long its
// goroutines have waited, and the go statement.
func (t *Tracker) Seen(id, signature string, wait time.Duration, createdBy collector.Frame) {
	for _, r := range t.open {
		if r.leak.ID != id {
			continue
		}
		stacks := slices.Clone(r.leak.Stacks) // handed out already
		for i := range stacks {
			if stacks[i].Signature == signature {
				stacks[i].Wait, stacks[i].CreatedBy = wait, createdBy
			}
		}
		r.leak.Stacks = stacks
	}
}

// Dumped takes a dump that was archived for an open leak.
func (t *Tracker) Dumped(id string, ref ProfileRef) {
	for _, r := range t.open {
		if r.leak.ID == id {
			dumps := append(slices.Clone(r.leak.Dumps), ref) // handed out already
			r.leak.Dumps = dumps[max(len(dumps)-MaxDumps, 0):]
		}
	}
}

// Weigh takes how the memory of the instances grows, as far as it is known.
func (t *Tracker) Weigh(memory map[string]Memory) {
	for _, r := range t.open {
		r.leak.Memory = nil
		for _, name := range r.leak.Instances {
			if m, ok := memory[name]; ok && (r.leak.Memory == nil || m.hours() < r.leak.Memory.hours()) {
				r.leak.Memory = &m
			}
		}
	}
}

// Leaked is what an instance holds of the open leaks.
func (t *Tracker) Leaked(instance string) (n float64) {
	for _, r := range t.open {
		if w := r.watched[instance]; w != nil {
			n += w.leaked
		}
	}
	return n
}

// Told are the instances of the leaks that somebody was told of, those included
// whose process has ended since.
func (t *Tracker) Told() (instances []string) {
	for _, r := range t.open {
		if r.leak.State == Firing {
			instances = slices.AppendSeq(instances, maps.Keys(r.watched))
		}
	}
	slices.Sort(instances)
	return slices.Compact(instances)
}

// Onset is when the oldest open leak began, suspected or not; zero if none is
// open.
func (t *Tracker) Onset() (onset time.Time) {
	for _, r := range t.open {
		if onset.IsZero() || r.leak.Onset.Before(onset) {
			onset = r.leak.Onset
		}
	}
	return onset
}

// Held is why an alarm of the counts is held back, in plain words; empty: none
// is.
func (t *Tracker) Held() string { return t.held }

// Idle tells whether there is no leak to tell of, open or resolved, and no alarm
// of the counts that one may come of.
func (t *Tracker) Idle() bool { return len(t.open) == 0 && len(t.resolved) == 0 && t.alarmed.IsZero() }

// Update moves the leaks on to the time now.
func (t *Tracker) Update(now time.Time, o Observation) {
	if o.Verdict.Status != trend.Leaking {
		t.alarmed = time.Time{}
	} else if t.alarmed.IsZero() {
		t.alarmed = now
	}
	t.held = ""
	elapsed := now.Sub(t.updated)
	paused := elapsed > 3*t.o.Interval && !t.updated.IsZero()
	if elapsed > 3*t.o.Interval {
		for _, r := range t.open { // nobody looked: no time that it was clean for
			r.cleanSince = time.Time{}
		}
	}
	t.updated = now
	t.meet(now, o, paused)
	t.reopen(now, o)
	o.living = t.living(now, o.Instances)
	if !o.Verdict.Status.Grows() {
		// The counts do not tell: then the stacks have to, clearly.
		o.Attributions = slices.DeleteFunc(slices.Clone(o.Attributions), func(a Attribution) bool {
			return t.of(a) == nil && !t.lasts(a)
		})
	}
	if o.Verdict.Status.Grows() || len(o.Attributions) > 0 {
		t.grow(now, o)
	}
	t.inherit(now, o.Verdict.Status.Grows())
	for _, r := range t.open {
		r.watchDeaths(o)
	}
	t.promote(now)
	t.ignore(now)
	t.open = slices.DeleteFunc(t.open, func(r *record) bool {
		r.look(o)
		r.follow(now, o)
		t.watchMissing(now, r, o, paused)
		r.remember()
		r.leak.NoDataSince = r.noDataSince(o)
		if r.unseen() && !r.moved.IsZero() && r.moved.Before(now) {
			r.moved = r.moved.Add(elapsed) // a time without samples shows no end of the growth
		}
		r.noteExtent(now, extentFor*t.o.Base, o)
		r.plateau(now, t.o.Base, o)
		r.leak.UpdatedAt = now
		if r.leak.State == Suspected {
			return now.Sub(r.grown) > forget*t.o.Base
		}
		if !t.ended(now, r, o) {
			return false
		}
		if r.leak.State == Ignored && r.leak.ResolvedAt.IsZero() {
			return true // nobody has ever heard of it
		}
		r.leak.move(now, Resolved, r.leak.Resolution)
		r.leak.ResolvedAt = now
		r.leak.Leaked, r.leak.Instances, r.leak.InstancesTotal, r.leak.Rate = 0, r.largest.instances, r.largest.total, r.largest.rate
		t.resolved = append(t.resolved, r.leak)
		return true
	})
	t.resolved = slices.DeleteFunc(t.resolved, func(l Leak) bool {
		return t.o.Remember > 0 && now.Sub(l.ResolvedAt) > t.o.Remember
	})
}

const (
	// forget is how many base blocks a suspicion outlives the growth.
	forget = 30
	// settle is how many base blocks a lower estimate has to last.
	settle = 15
)

// minOther is the share of the growth that makes a second leak of a service.
const minOther = 0.25

// minLead is the part of the growth of the leading stack that the one which
// gave the leak its name has to have to stay first.
const minLead = 0.5

// grow opens leaks, and brings the open ones up to date with the growth.
func (t *Tracker) grow(now time.Time, o Observation) {
	type match struct {
		*record
		Attribution
	}
	var known []match
	var delta float64
	for _, a := range o.Attributions {
		r := t.of(a)
		switch {
		case r != nil:
		case len(t.open) == 0 || a.Share >= minOther:
			r = t.suspect(now, o, t.name(a))
			if r.leak.Onset.IsZero() {
				r.leak.Onset = a.Onset
			}
		default:
			continue
		}
		delta += growthOf(a)
		// What was one leak stays one, should its stacks part.
		if i := slices.IndexFunc(known, func(m match) bool { return m.record == r }); i >= 0 {
			known[i].Attribution = known[i].plus(a)
			continue
		}
		known = append(known, match{r, a})
	}
	for _, k := range known {
		k.grown, k.moved = now, now
		k.attribute(t.service, k.Attribution)
		k.lasts = k.lasts || t.lasts(k.Attribution)
		k.filling, k.doubt = k.Attribution.Filling, k.Attribution.Doubt
		k.measure(now, settle*t.o.Base, o, growthOf(k.Attribution)/delta, &k.Attribution)
		if k.leak.State == Suspected && t.lasts(k.Attribution) {
			k.leak.Onset = k.Attribution.Onset // the counts, if they tell at all, began to tell later
		}
	}
	if len(known) > 0 {
		return
	}
	if len(t.open) > 0 {
		for _, r := range t.open {
			r.moved = now
			// One leak holds all of the growth; of several, none is known.
			if len(t.open) == 1 {
				r.measure(now, settle*t.o.Base, o, 1, nil)
			}
			if r.leak.Signature == "" {
				r.leak.Missing = o.Why
			}
		}
		return
	}
	switch {
	case t.alarmed.IsZero():
	case t.doubtful(now):
		t.held = "its stacks did what those of a pool or a job do, within a day"
	case now.Sub(t.alarmed) < t.patience(o):
		t.held = cmp.Or(o.Why, "profiles are awaited")
	default:
		r := t.suspect(now, o, "")
		r.grown, r.moved = now, now
		r.leak.Evidence, r.leak.Missing = Growth, o.Why
		r.measure(now, settle*t.o.Base, o, 1, nil)
	}
}

// patience is how long the counts wait for a stack that explains what they say.
func (t *Tracker) patience(o Observation) time.Duration {
	switch {
	case !o.ProfilesExpected:
		return 0
	case o.Profiled:
		return unexplained * t.o.Base
	}
	return t.o.Patience
}

// For how many base blocks the counts alone say too little of a service whose
// profiles come: goroutines that stay stand on some stack. A stack that grows as
// jobs and pools do has a day to show that it goes on, what no stack explains is
// told of after half a day.
const (
	unborne     = 1440
	unexplained = 720
)

// LongLife is for how many base blocks all goroutines of a suspicion have to
// stay before that says something of those that wait as idle workers do.
const LongLife = 30

// dominance is by how much the goroutines of a suspicion outnumber all others
// of the process before they are taken for no pool.
const dominance = 3

// runaway is by how much the goroutines of a suspicion outnumber all others
// when nothing is waited for any more: caches and pools do not, and the process
// may not live much longer.
const runaway = 10

// How many base blocks a stack has to grow for, as a leak does and nothing
// healthy, before that is enough for an alarm: a day, so that every hour of it
// was seen; less where nothing healthy waits for long and the load, which was
// accounted for, makes no queue.
const (
	longGrowth  = 1440
	stuckGrowth = 360
)

// lasts tells whether stacks have grown for so long, and so, that they leak
// whatever the counts say, in which they may be lost among the others.
func (t *Tracker) lasts(a Attribution) bool {
	return a.Lasting >= longGrowth*t.o.Base || a.LoadKnown && stack.Stuck(a.Stacks[0].Op) && a.Lasting >= stuckGrowth*t.o.Base
}

// promote tells of what is suspected when that is earned: by the counts, which
// are enough for an alarm if the stacks bear them out; by stacks that
// have grown for long as nothing healthy does; by goroutines that are known to
// stay where nothing healthy waits for long; by the garbage collector. A pool is
// waited for no longer once it outnumbers all else in the process.
//
// Idle workers and connections wait in a receive, a select or a read: of these
// not one may have ended in a long time, while they came to outnumber all else in
// the process. That is for leaks whose goroutines work on, so that the load grows
// with them and the counts say nothing.
func (t *Tracker) promote(now time.Time) {
	for _, r := range t.open {
		if r.leak.State != Suspected {
			continue
		}
		proven := r.leak.Evidence == Proven ||
			r.leak.Evidence == Aged && len(r.leak.Stacks) > 0 &&
				(stack.Stuck(r.leak.Stacks[0].Op) || r.survived >= LongLife*t.o.Base && r.dominates(dominance))
		earned := proven || r.lasts
		counted := !t.alarmed.IsZero() && !t.spent(now)
		if counted && !earned {
			if why := t.doubts(now, r); why != "" {
				counted, t.held = false, why
			}
		}
		if earned || counted {
			why := "the counts grow as a leak does"
			switch {
			case proven:
				why = "its goroutines stay"
			case r.lasts && t.alarmed.IsZero():
				why = "its stacks have grown for long as nothing healthy does"
			}
			// The leak that comes back is the same one, with a new beginning.
			if i := t.indexResolved(r.leak.ID); i >= 0 && t.o.Remember > 0 {
				before := t.resolved[i]
				t.resolved = slices.Delete(t.resolved, i, i+1)
				r.leak.Reopened = before.Reopened + 1
				r.leak.Transitions = slices.Concat(before.Transitions, r.leak.Transitions)
				why = "it came back: " + why
			}
			r.leak.DetectedAt = now
			r.leak.move(now, Firing, why)
		}
	}
}

// doubts is why what the counts say of a suspicion waits for its stacks: these
// do what a pool does, or do not show yet that they do what a leak does. Empty:
// it does not wait.
func (t *Tracker) doubts(now time.Time, r *record) string {
	switch {
	case r.filling && !r.dominates(dominance):
		t.doubted = now
		return "its stack does what a pool does that fills, or a job"
	case r.dominates(runaway) || now.Sub(t.alarmed) >= unborne*t.o.Base:
		return ""
	}
	return r.doubt
}

// doubtful tells whether the alarm of the counts says too little without a stack:
// since it began, or within a day, the stacks behind it did what a pool does.
func (t *Tracker) doubtful(now time.Time) bool {
	return !t.doubted.Before(t.alarmed) || now.Sub(t.doubted) < longGrowth*t.o.Base
}

// spent tells whether a leak that somebody was told of has grown lately: the
// alarm of the counts is about that one, and says nothing of another.
func (t *Tracker) spent(now time.Time) bool {
	return slices.ContainsFunc(t.open, func(r *record) bool {
		return r.leak.State == Firing && r.leak.Signature != "" && r.leak.DetectedAt.Before(now) && now.Sub(r.grown) < stuckGrowth*t.o.Base
	})
}

// dominates tells whether the stacks of a leak outnumber all others of the
// process by so much.
func (r *record) dominates(times float64) bool {
	if r.leak.Head == nil || len(r.profiled) == 0 {
		return false
	}
	var held float64
	for _, s := range r.leak.Stacks {
		held += float64(s.Head)
	}
	held /= float64(len(r.profiled)) // each, on the average
	return held >= times*(float64(r.leak.Head.Total)-held)
}

// maxSignatures bounds what is written of them.
const maxSignatures = 100

func growthOf(a Attribution) float64 {
	var d float64
	for _, s := range a.Stacks {
		d += float64(s.Delta())
	}
	return d
}

// of finds the open leak that an attribution belongs to: one that shares a
// stack with it, now or before, or the one whose stack was not known.
func (t *Tracker) of(a Attribution) *record {
	for _, r := range t.open {
		for _, st := range a.Stacks {
			if r.signatures[st.Signature] {
				return r
			}
		}
	}
	for _, r := range t.open {
		if r.leak.Signature == "" {
			return r
		}
	}
	return nil
}

// name is the signature that gives a new leak its name: that of the leak that
// comes back, else the leading one.
func (t *Tracker) name(a Attribution) string {
	for _, s := range a.Stacks {
		if slices.ContainsFunc(t.resolved, func(l Leak) bool { return l.Signature == s.Signature }) {
			return s.Signature
		}
	}
	return a.Lead()
}

// suspect opens a leak that nobody is told of yet.
func (t *Tracker) suspect(now time.Time, o Observation, signature string) *record {
	r := &record{
		leak: Leak{
			ID:        ID(t.service, signature),
			Service:   t.service,
			Signature: signature,
			Onset:     o.Verdict.Onset,
		},
		grown:      now,
		watched:    map[string]*watch{},
		signatures: map[string]bool{},
	}
	// Of a leak that comes back, the alert goes on. Its id may be from when its
	// stack was not known yet.
	if t.o.Remember > 0 {
		if i := slices.IndexFunc(t.resolved, func(l Leak) bool { return l.Signature == signature }); i >= 0 {
			r.leak.ID = t.resolved[i].ID
		}
	}
	r.leak.move(now, Suspected, "its counts or stacks grow")
	t.open = append(t.open, r)
	return r
}

// attribute gives a leak its stacks. The leading one stays once somebody was
// told of it: identity does not change while siblings overtake each other.
// Only if it turns out to be a small part of the leak another one is shown
// first.
func (r *record) attribute(service labels.Labels, a Attribution) {
	if r.leak.Signature == "" {
		r.leak.Signature = a.Lead()
	}
	a.Stacks = slices.Clone(a.Stacks) // the caller keeps them, and hands them in again
	for i := range a.Stacks {         // what only a dump has shown
		r.signatures[a.Stacks[i].Signature] = true
		for _, have := range r.leak.Stacks {
			if have.Signature == a.Stacks[i].Signature && a.Stacks[i].CreatedBy.Func == "" {
				a.Stacks[i].Wait, a.Stacks[i].CreatedBy = have.Wait, have.CreatedBy
			}
		}
	}
	if len(r.signatures) > len(r.leak.Signatures) && len(r.signatures) <= maxSignatures {
		r.leak.Signatures = slices.Sorted(maps.Keys(r.signatures))
	}
	r.leak.Stacks = a.Stacks
	i := slices.IndexFunc(a.Stacks, func(s StackGrowth) bool { return s.Signature == r.leak.Signature })
	small := i < 0 || float64(a.Stacks[i].Delta()) < minLead*float64(a.Stacks[0].Delta())
	switch {
	case small && r.leak.State == Suspected && r.leak.ID == ID(service, r.leak.Signature):
		r.leak.Signature, r.leak.ID = a.Lead(), ID(service, a.Lead())
	case i > 0 && !small:
		r.leak.Stacks = slices.Concat(a.Stacks[i:i+1], a.Stacks[:i], a.Stacks[i+1:])
	}
	r.leak.Share, r.profiled = a.Share, a.Instances
	r.leak.Base, r.leak.Head = &a.Base, &a.Head
	if Stack.above(r.leak.Evidence) {
		r.leak.Evidence, r.leak.Missing = Stack, ""
	}
}

// measure takes the rate and what has leaked from the verdict, and from the
// profiles, which know the stacks alone, where these tell more. part is this
// leak's of the growth; a says which instances have it, nil means all that
// grow.
func (r *record) measure(now time.Time, patience time.Duration, o Observation, part float64, a *Attribution) {
	v := o.Verdict
	r.version(o)
	// Later estimates of the onset are from longer blocks: the one of the alarm
	// stays.
	if r.leak.State == Suspected && !v.Onset.IsZero() {
		r.leak.Onset = v.Onset
	}
	growing := v.Instances
	if a != nil {
		growing = a.growing(o, part)
		for _, name := range a.Clean {
			delete(r.watched, name)
		}
	}
	known := map[string]bool{}
	r.inherit(now)
	profiled := false
	for _, it := range growing {
		w := r.watched[it.Instance]
		if w == nil {
			// Growth on an instance without a profile is taken for the same
			// leak only while there is no other explanation.
			if a != nil && len(r.watched) > 0 && part < 1 && !slices.Contains(a.Instances, it.Instance) {
				continue
			}
			w = &watch{clean: math.Inf(1)}
			r.watched[it.Instance] = w
		}
		known[it.Instance] = true
		w.measure(now, patience, it, part, o)
		w.rate, w.profiled = a.rate(it.Instance)
		if !w.profiled {
			w.rate = it.Rate.Times(part)
		}
		w.share = w.rate
		profiled = profiled || w.profiled && w.rate.Value > 0
	}
	if !profiled && len(known) == len(v.Instances) {
		r.shareRate(v.Rate.Times(part), known) // which knows more than the sum of its parts
	}
}

// measure takes what the verdict says of the counts of an instance, of whose
// leaked goroutines part are this leak's.
func (w *watch) measure(now time.Time, patience time.Duration, it trend.InstanceTrend, part float64, o Observation) {
	count, clean := it.Count, it.Count-part*it.Leaked
	if i := find(o.Instances, it.Instance); i >= 0 {
		in := o.Instances[i]
		former := w.clean
		switch {
		case w.replaced(in):
			*w = watch{started: in.Started, clean: math.Inf(1)}
		case w.started.IsZero():
			w.started = in.Started
		}
		// A verdict outlives the process that it is from: what that one had is
		// nothing that this one holds.
		if it.Onset.Before(in.Started) && it.Count != in.Count {
			count, clean = in.Count, min(clean, in.Count)
			if !math.IsInf(former, 0) && !math.IsNaN(former) {
				w.clean, clean = former, former
			}
		}
	}
	if math.IsNaN(w.clean) { // restored, its start unknown
		w.clean = math.Inf(1)
	}
	if !w.lowSince.IsZero() && it.Onset.After(w.lowSince) { // all of it was gone, and it leaks anew
		w.leaked, w.stood, w.lowSince = 0, 0, time.Time{}
	}
	w.estimate(now, patience, clean)
	w.leaked = max(w.leaked, count-w.clean)
}

// estimate takes how many goroutines there would be without the leak. The trend
// forgets how it began; what was clean once stays so for as long as the process
// lives. A lower estimate has to last: when the leak is mended the count falls
// at once, and what the trend says has leaked follows some blocks later.
func (w *watch) estimate(now time.Time, patience time.Duration, clean float64) {
	switch {
	case math.IsInf(w.clean, 1):
		w.clean = max(0, clean)
	case clean < 0 || clean >= w.clean:
		w.lowerSince = time.Time{}
	case w.lowerSince.IsZero():
		w.lower, w.lowerSince = clean, now
	default:
		w.lower = max(w.lower, clean)
		if now.Sub(w.lowerSince) >= patience {
			w.clean, w.lowerSince = w.lower, time.Time{}
		}
	}
}

// rate is that of the stacks on one instance, where it is known.
func (a *Attribution) rate(instance string) (trend.Interval, bool) {
	if a == nil {
		return trend.Interval{}, false
	}
	x, ok := a.Rates[instance]
	return x, ok
}

// growing is the instances that have the leak, with what is known of its growth:
// those whose counts grow, unless their profiles say that it is not the leak,
// and those whose stacks grow though the counts do not tell. An instance
// without profiles is taken for one of them if most of those with profiles are.
func (a *Attribution) growing(o Observation, part float64) (list []trend.InstanceTrend) {
	for _, it := range o.Verdict.Instances {
		clean := slices.Contains(a.Clean, it.Instance)
		if slices.Contains(a.Instances, it.Instance) || !clean && len(a.Instances) > len(a.Clean) {
			list = append(list, it)
		}
	}
	for _, name := range a.Instances {
		i := find(o.Instances, name)
		if i < 0 || slices.ContainsFunc(list, func(it trend.InstanceTrend) bool { return it.Instance == name }) {
			continue
		}
		list = append(list, trend.InstanceTrend{Instance: name, Rate: a.Rates[name].Times(1 / part), Count: o.Instances[i].Count, Leaked: a.Grown[name] / part})
	}
	return list
}

func find(in []trend.Instance, name string) int {
	return slices.IndexFunc(in, func(i trend.Instance) bool { return i.Name == name })
}

// look counts the goroutines on the leak's stacks in the newest profiles.
func (r *record) look(o Observation) {
	if o.Latest == nil || len(r.signatures) == 0 {
		return
	}
	for name, w := range r.watched {
		latest, taken := o.Latest(name)
		if latest == nil || !taken.After(w.seen) || taken.Before(w.started) {
			continue
		}
		w.seen, w.stand = taken, 0
		for signature := range r.signatures {
			if st := latest.Stacks[signature]; st != nil {
				w.stand += st.Count
			}
		}
		w.stood = max(w.stood, w.stand)
	}
}

// follow brings what the instances hold up to date, growing or not.
func (r *record) follow(now time.Time, o Observation) {
	r.inherit(now)
	l := &r.leak
	l.Leaked, r.remaining = 0, 0
	l.Instances = l.Instances[:0:0]
	for name, w := range r.watched {
		if i := find(o.Instances, name); i >= 0 {
			if math.IsNaN(w.clean) { // restored: seen for the first time
				w.clean, w.started = max(0, o.Instances[i].Count-w.leaked), o.Instances[i].Started
			}
			switch {
			case !w.low(o.Instances[i]):
				w.lowSince = time.Time{}
			case w.lowSince.IsZero():
				w.lowSince = now
			}
			if !w.free(o.Instances[i]) {
				r.remaining += w.holds(o.Instances[i])
			}
		}
		in, lives := o.living[name]
		if held := w.holds(in); lives && (held >= minGrowth || !w.replaced(in)) {
			l.Leaked += held
			l.Instances = append(l.Instances, name)
		}
	}
	slices.Sort(l.Instances)
	l.InstancesTotal = max(len(o.living), len(l.Instances))
	l.Rate = trend.Interval{}
	if l.PlateauedAt.IsZero() || r.moved.After(l.PlateauedAt) {
		l.Rate = r.rate(o)
	}
	l.Watched = l.Watched[:0:0]
	for _, name := range slices.Sorted(maps.Keys(r.watched)) {
		w := r.watched[name]
		if math.IsNaN(w.clean) || math.IsInf(w.clean, 0) {
			continue
		}
		x := Watch{Instance: name, Started: w.started, Clean: w.clean, Leaked: w.leaked, Stood: w.stood}
		if !slices.Contains(l.Instances, name) && w.share.Value > 0 {
			rate := w.share
			x.Rate = &rate
		}
		l.Watched = append(l.Watched, x)
	}
}

// free tells whether an instance is rid of what it had leaked. At night the
// count may be lower than it was by day without the leak: where a profile of
// since then shows that the goroutines are still there, they are.
func (w *watch) free(now trend.Instance) bool {
	restarted := procstart.At(now.Started).After(procstart.At(w.started))
	return restarted || w.low(now) && !w.stands()
}

// low tells whether the count is as if half of what had leaked were gone.
func (w *watch) low(now trend.Instance) bool { return now.Count <= w.clean+w.leaked/2 }

// stands tells whether more than half of the goroutines stood on the leak's
// stacks in a profile that was taken while the count was low.
func (w *watch) stands() bool {
	return !w.lowSince.IsZero() && w.seen.After(w.lowSince) && 2*w.stand > w.stood
}

// ended tells whether a leak is over: no instance holds its goroutines, and
// for as long as it once took to notice the leak the service has not leaked
// again, in whatever process.
func (t *Tracker) ended(now time.Time, r *record, o Observation) bool {
	if o.Verdict.Status == trend.Leaking && r.moved.Equal(now) {
		r.cleanSince = time.Time{}
		return false
	}
	gone, restarted := 0, 0
	for name, w := range r.watched {
		if !w.missing.IsZero() {
			gone++
			continue
		}
		i := find(o.Instances, name)
		if !w.free(o.Instances[i]) || leaksAgain(o.Verdict, name) {
			r.cleanSince = time.Time{}
			return false
		}
		if procstart.At(o.Instances[i].Started).After(procstart.At(w.started)) {
			restarted++
		}
	}
	if r.cleanSince.IsZero() {
		r.cleanSince = now
	}
	quiet := min(max(r.leak.DetectedAt.Sub(r.leak.Onset), 10*t.o.Base), 360*t.o.Base)
	for name, w := range r.watched {
		if !w.missing.IsZero() && !t.over(now, name, w, quiet, o) {
			return false
		}
	}
	if now.Sub(r.cleanSince) < quiet {
		return false
	}
	r.leak.Resolution, r.leak.NoDataSince = "its goroutines are gone", time.Time{}
	switch len(r.watched) {
	case gone:
		r.leak.Resolution = t.goneResolution(r, o)
	case gone + restarted:
		r.leak.Resolution = "its instances restarted and have not grown since"
	}
	if gone+restarted == len(r.watched) {
		if v := t.replaced(now, r, o); v != "" {
			r.leak.Resolution = "gone with version " + v
		}
	}
	return true
}

// lost tells whether an instance is not there any more.
func (t *Tracker) lost(now time.Time, in trend.Instance) bool {
	return now.Sub(in.LastSeen) > max(5*t.o.Base, 3*t.o.Interval)
}

// leaksAgain tells whether an instance grows now.
func leaksAgain(v trend.Verdict, name string) bool {
	return v.Status.Grows() && slices.ContainsFunc(v.Instances, func(it trend.InstanceTrend) bool { return it.Instance == name })
}
