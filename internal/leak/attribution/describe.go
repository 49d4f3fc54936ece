package attribution

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// describe makes the Attribution of stacks that grow together. total is the growth of which they
// have a share.
func describe(group []*grownStack, histories []History, total float64) Attribution {
	group = causeFirst(group)
	lead := group[0]
	a := Attribution{Rates: map[string]trend.Interval{}, Grown: map[string]float64{}}
	biggest := 0.0
	var due, lack, variance, full, doubted, most float64
	for i, h := range histories {
		if !lead.grows[i] {
			a.Clean = append(a.Clean, h.Instance)
			continue
		}
		c := lead.series[i]
		a.Instances = append(a.Instances, h.Instance)
		if d := c.delta(); d > biggest {
			biggest = d
			a.Base, a.Head = h.Shots[0].Ref, h.Shots[len(h.Shots)-1].Ref
		}
		d, l, v := c.slowdown()
		due, lack, variance = due+d, lack+l, variance+v
		if c.hadStopped(lead.stack.Signature, h.Earlier) || c.gaveBack(counts(lead.stack.Signature, h.before)) {
			full += c.delta()
		}
		if why := c.reasonToDoubt(); why != "" {
			doubted += c.delta()
			if c.delta() > most {
				most, a.Doubt = c.delta(), why
			}
		}
		shots := slices.Concat(h.before, h.Shots)
		long := seriesOf(lead.stack.Signature, shots)
		lasting, since := long.lasting()
		if stood, came := long.standing(); stood > lasting && stack.Stuck(lead.stack.Op) {
			lasting, since = stood, came
		}
		if lasting > a.Lasting {
			a.Lasting, a.LoadKnown = lasting, long.hasLoad
		}
		if at := shots[0].Ref.Time.Add(time.Duration(since * float64(time.Hour))); a.Onset.IsZero() || at.Before(a.Onset) {
			a.Onset = at
		}
		all := sumOf(group, i)
		a.Grown[h.Instance] = all.net[len(all.net)-1] - all.net[0]
		if rate, ok := all.rate(); ok {
			a.Rates[h.Instance] = rate
		}
	}
	if doubted < lead.delta()/2 { // there is no doubt about most of the growth
		a.Doubt = ""
	}
	surely := lack > endingSure*math.Sqrt(variance)
	a.Filling = surely && lack > (1-endingPace)*due || full > lead.delta()/2
	a.Halved = surely && lack > (1-halvedPace)*due
	for _, g := range group {
		a.Share += g.delta() / total
		a.Stacks = append(a.Stacks, leak.StackGrowth{
			Signature: g.stack.Signature,
			Op:        g.stack.Op,
			Frames:    g.stack.Calls(),
			Key:       g.stack.Key,
			CreatedBy: g.stack.CreatedBy,
			Base:      int64(g.base()),
			Head:      int64(g.head()),
			Share:     min(1, g.delta()/total),
			Wait:      g.stack.Wait,
			Partner:   partnerOf(g, histories),
			Labels:    labelsOf(g, histories),
		})
	}
	a.Share = min(1, a.Share)
	program := programOf(histories)
	for i := range a.Stacks {
		a.Stacks[i].Program = program
	}
	first := &a.Stacks[0]
	first.Callers = callersOf(*first, histories)
	first.Holder = holderOf(lead, histories)
	return a
}

// programOf returns the program of the latest profiles, if somebody else has released it; empty: it is
// the user's own, or unknown.
func programOf(histories []History) string {
	heads := make([]*stack.Snapshot, len(histories))
	for i, h := range histories {
		heads[i] = h.head()
	}
	return stack.ProgramOf(heads...)
}

// causeFirst puts a stack of user code before the leading one, if that only waits in a WaitGroup.
func causeFirst(group []*grownStack) []*grownStack {
	if group[0].stack.Op != waitGroup {
		return group
	}
	for i, g := range group {
		if g.stack.UserCode && g.stack.Op != waitGroup && g.delta() >= group[0].delta()/2 {
			return slices.Concat(group[i:i+1], group[:i], group[i+1:])
		}
	}
	return group
}

const waitGroup = "sync.WaitGroup.Wait"

// sumOf returns the series of all stacks of a group together, on one instance.
func sumOf(group []*grownStack, i int) stackSeries {
	c := group[0].series[i]
	c.net = slices.Clone(c.net)
	for _, g := range group[1:] {
		for j, x := range g.series[i].net {
			c.net[j] += x
		}
	}
	return c
}
