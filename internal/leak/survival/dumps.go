package survival

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

const (
	// Enough is how many goroutines of a leak are enough to represent it.
	Enough = 5
	// survivingShare is the share of the goroutines of a first dump that a second one must have
	// too.
	survivingShare = 0.8
	// considerableShare is the share of a leak's goroutines from which the goroutines of one
	// stack represent the leak.
	considerableShare = 0.3
	// leastWait is the least time between dumps after which waits are evidence.
	leastWait = 2 * time.Minute
	// maxRestarts is how often the comparison of dumps starts over.
	maxRestarts = 3
)

// Dumps has what the dumps of a process have shown of one leak.
type Dumps struct {
	Next     time.Time // when another is due
	Failures int
	Done     bool   // no further dump is needed
	Missing  string // why the leak is not aged, in words

	ids      map[uint64]string // of the leak's goroutines that are compared, with their signatures
	first    time.Time         // when these were first seen together
	earlier  time.Duration     // for how long some of them had waited by then
	began    time.Time         // when the first dump was taken
	restarts int               // how often a later dump became the first one
	pruned   bool              // some had ended, and ids are those that had not
	leaving  bool              // they continued to end
}

// Started reports whether there is a first dump to compare others with.
func (d *Dumps) Started() bool { return d.ids != nil }

// Compare looks for the goroutines of the first dump in a later one. For goroutines that wait
// as idle workers do, a third dump, a long life after the first, shows whether they all stay. It
// comes earlier by the time that some of them had waited by the first.
func (d *Dumps) Compare(now time.Time, finding *lifecycle.Finding, l leak.Leak, dump *stack.Snapshot, longLife time.Duration) {
	ids := map[uint64]string{}
	for _, g := range l.Stacks {
		if st := dump.Stacks[g.Signature]; st != nil {
			for _, one := range st.Goroutines {
				ids[one.ID] = g.Signature
			}
			finding.Stacks = append(finding.Stacks, lifecycle.StackFinding{Signature: g.Signature, Wait: st.Wait, At: now, Reason: st.State, CreatedBy: st.CreatedBy, Callers: attribution.CreatorsIn(dump, st)})
		}
	}
	switch {
	case len(ids) == 0:
		d.Done, d.Missing = true, "the dump with ages does not show the stack"
		return
	case d.ids == nil:
		d.ids, d.first, d.began, d.Missing = ids, now, now, ""
		d.earlier = waitedBefore(now, l, dump, longLife)
		return
	}
	stayed, inAll := d.stayed(ids, l.Stacks[0].Signature)
	lasted := now.Sub(d.first)
	lead := dump.Stacks[cmp.Or(inAll, l.Stacks[0].Signature)]
	finding.Compared = true
	stuck := stack.Stuck(l.Stacks[0].Op)
	if stayed == len(d.ids) && stayed >= Enough {
		finding.Stayed = lasted
		if !stuck {
			finding.Stayed += d.earlier
		}
	}
	if stuck {
		d.compareStuck(now, finding, ids, inAll != "" || float64(stayed) >= survivingShare*float64(len(d.ids)), longLife)
		return
	}
	switch {
	case inAll == "" && float64(stayed) < survivingShare*float64(len(d.ids)):
		d.Missing = fmt.Sprintf("only %d of %d goroutines were still there %s later", stayed, len(d.ids), human.Duration(lasted))
		finding.Passing = 2*stayed < len(d.ids)
		d.restart(now, ids)
	case longLife >= leastWait && !canTell(lead, lasted): // otherwise waits never show it in time
		d.Missing = fmt.Sprintf("its goroutines stayed for %s, too short to tell whether they are at work", human.Duration(lasted))
		d.Next = d.first.Add(leastWait)
	case isAtWork(lead, lasted) || hasClientsAtWork(l, dump, lasted):
		finding.AtWork = true
		d.Missing = fmt.Sprintf("its goroutines stay, but none has waited for longer than %s: they may be at work", human.Duration(lasted/2))
		d.restart(now, ids)
	default:
		finding.Evidence = leak.Aged
		d.Next = d.first.Add(longLife - d.earlier)
		d.Done = stayed < len(d.ids) || !now.Before(d.Next)
	}
}

// waitedBefore returns for how long Enough goroutines of the leading stack have waited at least,
// since the onset. Those that have waited for longer are no part of the leak. The goroutines that
// came and went before the first dump are not seen, so no more than half of a long life counts.
func waitedBefore(now time.Time, l leak.Leak, dump *stack.Snapshot, longLife time.Duration) time.Duration {
	lead := dump.Stacks[l.Stacks[0].Signature]
	if lead == nil {
		return 0
	}
	var waits []time.Duration
	for _, one := range lead.Goroutines {
		if one.Waited <= now.Sub(l.Onset) {
			waits = append(waits, one.Waited)
		}
	}
	if len(waits) < Enough {
		return 0
	}
	slices.Sort(waits)
	return min(waits[len(waits)-Enough], longLife/2)
}

// compareStuck compares goroutines that are blocked where healthy ones do not wait for long. A
// later dump is stronger evidence, so the next one comes at half as much time again, up to a
// long life. enough reports whether enough of them stayed.
func (d *Dumps) compareStuck(now time.Time, finding *lifecycle.Finding, ids map[uint64]string, enough bool, longLife time.Duration) {
	survivors := maps.Clone(d.ids)
	maps.DeleteFunc(survivors, func(id uint64, _ string) bool { _, ok := ids[id]; return !ok })
	lasted, all := now.Sub(d.first), len(d.ids)
	d.Done = now.Sub(d.began) >= longLife
	d.Next = d.first.Add(min(lasted*3/2, longLife))
	if enough {
		finding.Evidence = leak.Aged
	} else {
		d.Missing = fmt.Sprintf("only %d of %d goroutines were still there %s later", len(survivors), all, human.Duration(lasted))
	}
	if len(survivors) == all {
		d.leaving = false
	} else {
		// Some ended, or all did. The next dump shows whether the rest stays.
		some := len(survivors) >= Enough
		d.leaving = !d.Done && (d.leaving || !some || d.pruned)
		d.ids, d.pruned = ids, some
		if some {
			d.ids = survivors
		}
		d.first, d.Next = now, now.Add(max(lasted, now.Sub(d.began)/2))
	}
	finding.Leaving = d.leaving && !d.Done
}

// stayed counts the goroutines of the first dump that a later one has. inAll is the stack most
// of whose goroutines stayed and do not move, if it has many of them all: others of the leak
// may come and go, such as those that try again. It is the leading one if that qualifies: a
// stack that waits beside it, such as a read for a client, is weaker evidence.
func (d *Dumps) stayed(later map[uint64]string, lead string) (all int, inAll string) {
	before, after := map[string]int{}, map[string]int{}
	for id, signature := range d.ids {
		before[signature]++
		now, ok := later[id]
		if ok {
			all++
		}
		if now == signature {
			after[signature]++
		}
	}
	most := 0
	for signature, n := range after {
		many := n >= Enough && float64(before[signature]) >= considerableShare*float64(len(d.ids))
		if !many || float64(n) < survivingShare*float64(before[signature]) {
			continue
		}
		if inAll != lead && (n > most || n == most && signature < inAll) || signature == lead {
			most, inAll = n, signature
		}
	}
	return all, inAll
}

// canTell reports whether the time between two dumps is long enough to show whether goroutines
// are at work. Dumps have waits in whole minutes, so short times show nothing.
func canTell(st *stack.Stack, lasted time.Duration) bool {
	return st == nil || lasted >= leastWait || !stack.WokenByOthers(st.Op, st.Frames)
}

// isAtWork reports whether goroutines that were compared over a time wake up now and then, by
// messages or by what they read.
func isAtWork(st *stack.Stack, lasted time.Duration) bool {
	return st != nil && lasted >= leastWait && st.Wait < lasted/2 && stack.WokenByOthers(st.Op, st.Frames)
}

// hasClientsAtWork reports whether the goroutines of a leak have websockets beside them from which
// something is read now and then: the clients are there, whatever the leading stack waits for.
func hasClientsAtWork(l leak.Leak, dump *stack.Snapshot, lasted time.Duration) bool {
	return slices.ContainsFunc(l.Stacks, func(g leak.StackGrowth) bool {
		st := dump.Stacks[g.Signature]
		return st != nil && stack.HasWebsocket(st.Frames) && isAtWork(st, lasted)
	})
}

// restart makes a dump the first one, because the comparison so far has shown nothing. Dumps
// cost the target, so there are few restarts.
func (d *Dumps) restart(now time.Time, ids map[uint64]string) {
	pause := d.Next.Sub(now)
	d.ids, d.first, d.earlier = ids, now, 0
	d.Next = now.Add(pause << (d.restarts + 1))
	d.restarts++
	d.Done = d.restarts > maxRestarts
}
