package alertmanager

import (
	"slices"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
)

// Item is an alert that waits to be sent.
type Item struct {
	Key   string // identifies the alert in all its states
	Alert alerting.Alert
	// Expires is when the alert must not be sent any more, because one whose end has
	// passed would arrive as resolved. Zero: never.
	Expires time.Time
	// failures counts the failed requests that had the alert and whose content may
	// be why they failed.
	failures int
}

// queue holds the alerts that wait for one Alertmanager, the oldest first. It holds
// each alert once, in its newest state: an Alertmanager that was away does not need
// the older ones.
type queue struct {
	capacity int
	// work has a token whenever there may be something to send.
	work chan struct{}

	mu    sync.Mutex
	items []*Item
	byKey map[string]*Item
}

func newQueue(capacity int) *queue {
	return &queue{capacity: capacity, work: make(chan struct{}, 1), byKey: make(map[string]*Item)}
}

// push adds items and returns how many of the oldest it dropped to make room.
func (q *queue) push(items ...Item) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, i := range items {
		if old := q.byKey[i.Key]; old != nil {
			i.failures = old.failures
			*old = i
			continue
		}
		q.items = append(q.items, &i)
		q.byKey[i.Key] = &i
	}
	dropped = q.shrink()
	if len(q.items) > 0 {
		q.wake()
	}
	return dropped
}

// pop removes and returns the n oldest items, or fewer if there are fewer. For each
// failure of the first item it returns half as many, of those that failed as often.
// So an alert that makes requests fail is alone in the end and does not stop others.
func (q *queue) pop(n int) []Item {
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

// clear removes and returns all items.
func (q *queue) clear() []Item {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.take(len(q.items))
}

// take removes and returns the n oldest items. The lock is held.
func (q *queue) take(n int) []Item {
	out := make([]Item, n)
	for i, x := range q.items[:n] {
		out[i] = *x
		delete(q.byKey, x.Key)
	}
	q.items = slices.Delete(q.items, 0, n)
	return out
}

// putBack puts items that were popped and could not be sent in front again, except
// those of which the queue has a newer state. It returns how many of the oldest it
// dropped to make room.
func (q *queue) putBack(items []Item) (dropped int) { return q.put(items, false) }

// putLast is putBack, but behind all other items.
func (q *queue) putLast(items []Item) (dropped int) { return q.put(items, true) }

// put is putBack, or putLast if last is true.
func (q *queue) put(items []Item, last bool) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	back := make([]*Item, 0, len(items)+len(q.items))
	for _, i := range items {
		if newer := q.byKey[i.Key]; newer != nil {
			newer.failures = i.failures
			continue
		}
		back = append(back, &i)
		q.byKey[i.Key] = &i
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

// shrink drops the oldest items beyond the capacity and returns how many. The lock is
// held.
func (q *queue) shrink() int {
	n := max(len(q.items)-q.capacity, 0)
	for _, x := range q.items[:n] {
		delete(q.byKey, x.Key)
	}
	q.items = slices.Delete(q.items, 0, n)
	return n
}

// wake puts a token into work.
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
