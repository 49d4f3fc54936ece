// Package connections bounds the connections of HTTP servers, in number and in the time that a
// client may take.
//
// It does not know what is served: internal/app uses it for the pages and the debug handlers.
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
	// DefaultMax is the default of Prometheus.
	DefaultMax = 512

	// How long a client may take for a request, and for the answer, and keep an idle
	// connection. The answer may be the difference of two large profiles from a slow bucket
	// over a slow link.
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

// Max returns how many connections there may be: as many as wanted, and no more than half of
// the files that the process may have open. 0 files: not known.
func Max(wanted int, files uint64) int {
	if half := files / 2; files > 0 && half < uint64(wanted) {
		return max(int(half), 1)
	}
	return wanted
}

// Limit bounds the connections of a server. If there are too many, an old one is closed for a
// new one. So a client with many open connections does not block others, and a probe is always
// answered.
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
	// idle and since are its state, under the lock of of.
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

// changed wakes up those that wait for room. The caller has the lock.
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

// limited is a listener with bounded connections.
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

// Accept implements net.Listener. It makes room for a new connection.
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

// admit accepts a connection if there is room. Otherwise it returns the one to close, or how
// long none can be closed, unless freed is closed before.
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
