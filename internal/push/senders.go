package push

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/gorowatch/gorowatch/internal/human"
)

const (
	// maxSenders bounds the senders that are remembered.
	maxSenders = 1000
	// senderMemory is how long a sender is remembered after its last request, and how long a
	// label set counts.
	senderMemory = 10 * time.Minute
	// burstTime is how many seconds' worth of its rates a sender may send at once.
	burstTime = 10 * time.Second
	// requestsAtATime bounds the requests that are handled at the same time, of each sender and
	// of all.
	senderRequestsAtATime = 4
	requestsAtATime       = 16
	// slotTimeout is how long a request waits for its turn.
	slotTimeout = 5 * time.Second
)

// senders enforces the bounds of each sender.
type senders struct {
	slots *semaphore.Weighted // of all

	mtx   sync.Mutex
	known map[string]*sender
}

// sender is the source of pushed profiles: a user at an address.
type sender struct {
	slots    *semaphore.Weighted
	requests *rate.Limiter
	bytes    *rate.Limiter

	last   time.Time
	series map[uint64]struct{} // hashes of label sets
	since  time.Time           // when the first of them arrived
}

func newSenders() *senders {
	return &senders{slots: semaphore.NewWeighted(requestsAtATime), known: map[string]*sender{}}
}

// nameOf returns the sender of a request: the user of its login, and the address.
func nameOf(r *http.Request) string {
	user, _, _ := r.BasicAuth()
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return human.Line(user, 100) + "@" + host
}

// find returns the sender of a request with its bounds, and counts the request.
func (s *senders) find(now time.Time, name string, c Config) (*sender, *problem) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	x, ok := s.known[name]
	if !ok {
		if len(s.known) >= maxSenders {
			s.forget(now)
		}
		if len(s.known) >= maxSenders {
			return nil, drop(ReasonSenders, "more than "+human.Count(maxSenders)+" senders push profiles")
		}
		x = &sender{slots: semaphore.NewWeighted(senderRequestsAtATime), series: map[uint64]struct{}{}, since: now}
		s.known[name] = x
	}
	x.configure(now, c)
	x.last = now
	switch {
	case !x.requests.AllowN(now, 1):
		return nil, drop(ReasonRate, "more requests than profiles.push.sender_rate allows")
	case x.bytes.TokensAt(now) <= 0:
		return nil, drop(ReasonBandwidth, "more bytes than profiles.push.sender_bandwidth allows")
	}
	return x, nil
}

// configure applies the bounds of the configuration, which may have changed.
func (x *sender) configure(now time.Time, c Config) {
	x.requests = limiter(x.requests, now, c.SenderRate, 1)
	x.bytes = limiter(x.bytes, now, c.SenderBandwidth, int(c.RequestLimit))
}

// limiter makes or changes a limiter for a rate and a burst. l may be nil.
func limiter(l *rate.Limiter, now time.Time, perSecond float64, least int) *rate.Limiter {
	limit, burst := rate.Limit(perSecond), max(int(perSecond*burstTime.Seconds()), least)
	if l == nil {
		return rate.NewLimiter(limit, burst)
	}
	if l.Limit() != limit || l.Burst() != burst {
		l.SetLimitAt(now, limit)
		l.SetBurstAt(now, burst)
	}
	return l
}

// forget drops the senders that have sent nothing for a while. The caller holds mtx.
func (s *senders) forget(now time.Time) {
	for name, x := range s.known {
		if now.Sub(x.last) > senderMemory {
			delete(s.known, name)
		}
	}
}

// enter waits for the turn of a request. leave ends it.
func (s *senders) enter(ctx context.Context, x *sender) (leave func(), _ *problem) {
	ctx, cancel := context.WithTimeout(ctx, slotTimeout)
	defer cancel()
	busy := drop(ReasonBusy, "too many profiles arrive at the same time")
	if x.slots.Acquire(ctx, 1) != nil {
		return nil, busy
	}
	if s.slots.Acquire(ctx, 1) != nil {
		x.slots.Release(1)
		return nil, busy
	}
	return func() { s.slots.Release(1); x.slots.Release(1) }, nil
}

// pay counts the bytes of a request, which may exceed the bound once.
func (s *senders) pay(now time.Time, x *sender, bytes int64) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	for n := int(bytes); n > 0; {
		part := min(n, x.bytes.Burst())
		x.bytes.ReserveN(now, part)
		n -= part
	}
}

// admitSeries counts a label set of a sender, and reports whether it is within the bound.
func (s *senders) admitSeries(now time.Time, x *sender, hash uint64, limit int) bool {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if now.Sub(x.since) > senderMemory {
		clear(x.series)
		x.since = now
	}
	if _, ok := x.series[hash]; !ok && len(x.series) >= limit {
		return false
	}
	x.series[hash] = struct{}{}
	return true
}
