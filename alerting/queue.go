package alerting

import (
	"slices"
	"sync"
	"time"
)

// item is an alert that waits.
type item struct {
	key   string // of the alert, the same for each of its states
	alert Alert
	// expires is when it must not be sent any more: an alert whose end has
	// passed would arrive as resolved. Zero: never.
	expires time.Time
	// failures is how often it was in a request that failed for a reason that may
	// lie in one of its alerts.
	failures int
}

// queue is the alerts that wait for one Alertmanager, the oldest first. It
// holds each alert once, in its newest state: what an Alertmanager missed while
// it was away is of no interest to it.
type queue struct {
	capacity int
	// work has a token whenever there may be something to send.
	work chan struct{}

	mu    sync.Mutex
	items []*item
	byKey map[string]*item
}

func newQueue(capacity int) *queue {
	return &queue{capacity: capacity, work: make(chan struct{}, 1), byKey: make(map[string]*item)}
}

// push adds items and returns how many of the oldest had to go for them.
func (q *queue) push(items ...item) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, i := range items {
		if old := q.byKey[i.key]; old != nil {
			i.failures = old.failures
			*old = i
			continue
		}
		q.items = append(q.items, &i)
		q.byKey[i.key] = &i
	}
	dropped = q.shrink()
	if len(q.items) > 0 {
		q.wake()
	}
	return dropped
}

// pop takes the n oldest items, less if there are less. With each failure of the
// first one it takes half as many, of those that have failed as often: so one
// alert that fails is alone in the end, and keeps no other from arriving.
func (q *queue) pop(n int) []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return nil
	}
	failures := q.items[0].failures
	n = max(n>>min(failures, 30), 1)
	same := 0
	for same < min(n, len(q.items)) && q.items[same].failures == failures {
		same++
	}
	return q.take(same)
}

// clear takes all items.
func (q *queue) clear() []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.take(len(q.items))
}

// take takes the n oldest items. The lock is held.
func (q *queue) take(n int) []item {
	out := make([]item, n)
	for i, x := range q.items[:n] {
		out[i] = *x
		delete(q.byKey, x.key)
	}
	q.items = slices.Delete(q.items, 0, n)
	return out
}

// putBack returns items that were popped and could not be sent to the front,
// except those that a newer state has overtaken. It returns how many of the
// oldest had to go.
func (q *queue) putBack(items []item) (dropped int) { return q.put(items, false) }

// putLast is putBack behind all others.
func (q *queue) putLast(items []item) (dropped int) { return q.put(items, true) }

func (q *queue) put(items []item, last bool) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	back := make([]*item, 0, len(items)+len(q.items))
	for _, i := range items {
		if newer := q.byKey[i.key]; newer != nil {
			newer.failures = i.failures
			continue
		}
		back = append(back, &i)
		q.byKey[i.key] = &i
	}
	if last {
		q.items = append(q.items, back...)
	} else {
		q.items = append(back, q.items...)
	}
	dropped = q.shrink()
	if len(q.items) > 0 {
		q.wake()
	}
	return dropped
}

// shrink drops the oldest over the capacity. The lock is held.
func (q *queue) shrink() int {
	n := max(len(q.items)-q.capacity, 0)
	for _, x := range q.items[:n] {
		delete(q.byKey, x.key)
	}
	q.items = slices.Delete(q.items, 0, n)
	return n
}

func (q *queue) wake() {
	select {
	case q.work <- struct{}{}:
	default:
	}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}
