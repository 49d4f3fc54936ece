package stack

import "strings"

// Holders finds stacks whose goroutines may hold what the goroutines of another stack
// wait for: a lock, or the other end of a channel. It is not safe for concurrent use.
type Holders struct {
	n        *namer
	op       string
	receiver string // the type whose method waits; empty: a function does
	pkg      string // the package that waits
}

// NewHolders makes Holders for goroutines that wait. It returns nil if nobody holds what they
// wait for, such as the answer of a peer.
func NewHolders(waiting *Stack) *Holders {
	switch waiting.Op {
	case "chan send", "chan receive", "semacquire", "sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock", "sync.WaitGroup.Wait", "sync.Cond.Wait":
	default:
		return nil
	}
	h := &Holders{n: newNamer(), op: waiting.Op}
	places := h.n.places(waiting.Frames, nil)
	i := blockingFrame(places)
	if i < 0 || places[i].class < classLibrary {
		return nil
	}
	h.receiver, h.pkg = places[i].receiver(), places[i].pkg
	return h
}

// receiver returns the type, with its package, whose method a function is, or a closure in one;
// empty: there is none.
func (f *function) receiver() string {
	recv, _, method := strings.Cut(strings.TrimSuffix(f.fn, ".func"), ".")
	if !method {
		return ""
	}
	return f.pkg + "." + recv
}

// isLock reports whether goroutines wait for a lock.
func isLock(op string) bool {
	return strings.HasPrefix(op, "sync.Mutex.") || strings.HasPrefix(op, "sync.RWMutex.")
}

// The relation of a stack to waiting goroutines, the likeliest holder last.
const (
	// holdsIdle: it waits as idle goroutines do. holdsReceive: it waits for others.
	// holdsBlocked: it is stuck itself, waits for a peer, or computes.
	holdsIdle = iota + 1
	holdsReceive
	holdsBlocked
)

// Rank says how likely the goroutines of a stack hold what the others wait for, 0 to 10. began
// means that the stack appeared when the others began to wait, as far as profiles show. A rank
// of 0 claims nothing.
func (h *Holders) Rank(s *Stack, began bool) int {
	places := h.n.places(s.Frames, nil)
	leaf := blockingFrame(places)
	if leaf < 0 {
		return 0
	}
	sameType, samePackage := false, false
	for _, p := range places {
		if p.class < classLibrary || p.wrapper || p.pkg == "main" && p.fn == "main" {
			continue
		}
		sameType = sameType || h.receiver != "" && p.receiver() == h.receiver
		samePackage = samePackage || p.pkg == h.pkg
	}
	if sameWait := s.Op == h.op || isLock(s.Op) && isLock(h.op); sameWait && (places[leaf].receiver() == h.receiver && places[leaf].pkg == h.pkg) {
		return 0 // it waits for the same thing
	}
	state := holdsBlocked
	switch s.Op {
	case "select", "sleep", Unknown:
		state = holdsIdle
	case "chan receive", "sync.Cond.Wait", "sync.WaitGroup.Wait":
		state = holdsReceive
	}
	// Those at the other ends of a channel often wait in a select, for a while each.
	idle := state == holdsIdle && strings.HasPrefix(h.op, "chan ")
	switch {
	case sameType && began && !idle:
		return 7 + state
	case sameType && state == holdsBlocked && (isLock(h.op) || h.op == "sync.WaitGroup.Wait"):
		return 5
	case samePackage && began && state > holdsIdle:
		return state
	}
	return 0
}
