// Package connections bounds the connections of HTTP servers, in number and in the time
// that a client may take.
//
// It knows nothing of what is served: internal/app serves the pages and the debug
// handlers with it.
package connections

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// DefaultMax is that of Prometheus.
	DefaultMax = 512

	// How long a client may take for a request, and for the answer, and keep a
	// connection that it does not use. The answer may be the difference of two
	// large profiles from a slow bucket over a slow link.
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	WriteTimeout  = 5 * time.Minute
	idleTimeout   = 2 * time.Minute

	// evictAfter is how long a connection may be busy before it is closed to
	// make room for another.
	evictAfter = time.Second
)

// NewServer makes a server that no client can keep busy for ever.
func NewServer(h http.Handler, c *Limit) *http.Server {
	return &http.Server{
		Handler: h, ConnState: c.setState,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
	}
}

// Max is how many connections there may be: as many as wanted, and
// no more than half of the files that the process may have open. 0 files: not
// known.
func Max(wanted int, files uint64) int {
	if half := files / 2; files > 0 && half < uint64(wanted) {
		return max(int(half), 1)
	}
	return wanted
}

// Limit bounds the connections of a server. When there are too many, an
// old one is closed for a new one, so that whoever holds many open keeps nobody
// else out: a probe is always answered.
type Limit struct {
	limit  int
	logger *slog.Logger

	mu     sync.Mutex
	open   map[*conn]struct{}
	freed  chan struct{} // closed and replaced when one is closed or changes its state
	warned time.Time
}

// New makes a Limit.
func New(limit int, logger *slog.Logger) *Limit {
	return &Limit{limit: limit, logger: logger, open: map[*conn]struct{}{}, freed: make(chan struct{})}
}

// conn is one of the connections.
type conn struct {
	net.Conn
	of *Limit
	// idle and since are its state, by the lock of of.
	idle  bool
	since time.Time
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.changed()
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// changed wakes up who waits for room. The caller has the lock.
func (s *Limit) changed() {
	close(s.freed)
	s.freed = make(chan struct{})
}

// setState is an http.Server's ConnState.
func (s *Limit) setState(nc net.Conn, state http.ConnState) {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	c, ok := nc.(*conn)
	if !ok || state == http.StateClosed || state == http.StateHijacked {
		return // Close sees to it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.idle, c.since = state == http.StateIdle, time.Now()
	s.changed()
}

// limited is a listener whose connections are bounded.
type limited struct {
	net.Listener
	of     *Limit
	closed chan struct{}
	once   sync.Once
}

// Listener bounds the connections of l, together with those of the others.
func (s *Limit) Listener(l net.Listener) net.Listener {
	return &limited{Listener: l, of: s, closed: make(chan struct{})}
}

// Close implements net.Listener.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// Accept implements net.Listener. It makes room for a connection that comes.
func (l *limited) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for {
		c, victim, wait, freed := l.of.admit(nc)
		if victim != nil {
			_ = victim.Close()
			continue
		}
		if c != nil {
			return c, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-freed:
		case <-timer.C:
		case <-l.closed:
			timer.Stop()
			_ = nc.Close()
			return nil, net.ErrClosed
		}
		timer.Stop()
	}
}

// admit takes a connection in if there is room. Else it says which one to close
// for it, or how long none will be ripe for that, unless freed is closed before.
func (s *Limit) admit(nc net.Conn) (c, victim *conn, wait time.Duration, freed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if len(s.open) < s.limit {
		c = &conn{Conn: nc, of: s, since: now}
		s.open[c] = struct{}{}
		return c, nil, 0, nil
	}
	for o := range s.open {
		if victim == nil || order(o, victim) < 0 {
			victim = o
		}
	}
	if !victim.idle {
		if age := now.Sub(victim.since); age < evictAfter {
			return nil, nil, evictAfter - age, s.freed
		}
	}
	if now.Sub(s.warned) >= time.Minute {
		s.warned = now
		s.logger.Warn("Too many connections; closing the oldest ones", "limit", s.limit, "remote", victim.RemoteAddr())
	}
	return nil, victim, 0, nil
}

// order puts idle connections first, and the oldest of each kind.
func order(a, b *conn) int {
	if a.idle != b.idle {
		if a.idle {
			return -1
		}
		return 1
	}
	return a.since.Compare(b.since)
}
