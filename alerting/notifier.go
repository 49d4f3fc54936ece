package alerting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gorowatch/gorowatch/internal/leak"
)

// Defaults of Options and Config.
const (
	DefaultResendInterval = time.Minute
	DefaultTimeout        = 10 * time.Second
	DefaultQueueCapacity  = 10_000
	DefaultDrainTimeout   = 10 * time.Second
)

// resolvedFor is how long a resolved leak is sent: an Alertmanager that was
// away for less learns that it is over.
const resolvedFor = 15 * time.Minute

// maxSilence is how long what fires is kept alive without an Update. An
// evaluation may take long; if there is none for longer than that, we do not
// know what we say.
const maxSilence = time.Hour

// Alertmanager is where alerts go.
type Alertmanager struct {
	// URL is its base, with the path prefix if it has one; /api/v2/alerts is
	// added to it.
	URL *url.URL
	// Client sends the requests; it brings authorisation and TLS. Nil: a plain
	// one.
	Client *http.Client
	// Timeout of one request, DefaultTimeout if 0.
	Timeout time.Duration
}

// Config is what a reload may change.
type Config struct {
	// Alertmanagers all get every alert. The same URL with the same client
	// twice is one; with another client, user or query it may be another tenant.
	Alertmanagers []Alertmanager
	Render        RenderOptions
	// ResendInterval is how often a leak is sent while it fires and while its
	// end is news, DefaultResendInterval if 0.
	ResendInterval time.Duration
	// UpdateInterval is how often Update is called, if that is less often than
	// the ResendInterval: an alert must not end between two calls.
	UpdateInterval time.Duration
}

// Options of a Notifier. All may be zero: without an Alertmanager it does
// nothing.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Config
	// QueueCapacity is how many alerts may wait for one Alertmanager,
	// DefaultQueueCapacity if 0.
	QueueCapacity int
	// DrainTimeout bounds how long Run goes on sending after its context is
	// done, DefaultDrainTimeout if 0.
	DrainTimeout time.Duration
}

// Notifier keeps Alertmanagers up to date. Its methods may be called from any
// goroutine.
type Notifier struct {
	logger   *slog.Logger
	metrics  *metrics
	capacity int
	drain    time.Duration

	mu    sync.Mutex // guards all below
	conf  Config
	loops []*sendLoop // in the order of the configuration
	sent  map[string]sending
	// What the last Update said fires, and when that was by the wall clock.
	firing  []leak.Leak
	updated time.Time
	run     func(*sendLoop) // starts a loop; nil unless Run runs
	ended   bool            // Run has ended
	wg      sync.WaitGroup  // the loops that run
}

// sending is what was last queued of a leak.
type sending struct {
	at    time.Time
	state leak.State
}

// New makes a Notifier. Alerts are queued from the first Update on and sent
// while Run runs.
func New(o Options) (*Notifier, error) {
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("alerting metrics: %w", err)
	}
	n := &Notifier{
		logger:   o.Logger,
		metrics:  m,
		capacity: cmp.Or(o.QueueCapacity, DefaultQueueCapacity),
		drain:    cmp.Or(o.DrainTimeout, DefaultDrainTimeout),
		sent:     make(map[string]sending),
	}
	if n.logger == nil {
		n.logger = slog.New(slog.DiscardHandler)
	}
	m.capacity.Set(float64(n.capacity))
	return n, n.ApplyConfig(o.Config)
}

// ApplyConfig replaces the configuration, or leaves everything as it was if
// there is an error in it. An Alertmanager that stays keeps its queue; one that
// goes loses it; a new one gets what fires with the next Update.
func (n *Notifier) ApplyConfig(c Config) error {
	c.ResendInterval = cmp.Or(c.ResendInterval, DefaultResendInterval)
	c.Alertmanagers = slices.Clone(c.Alertmanagers)
	var errs []error
	for i := range c.Alertmanagers {
		if err := c.Alertmanagers[i].complete(); err != nil {
			errs = append(errs, fmt.Errorf("alertmanager %d: %w", i+1, err))
		}
	}
	if c.ResendInterval < 0 {
		errs = append(errs, fmt.Errorf("resend interval %s: must be positive", c.ResendInterval))
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}

	n.mu.Lock()
	defer n.mu.Unlock()
	old := make(map[string]*sendLoop, len(n.loops))
	for _, s := range n.loops {
		old[s.name] = s
	}
	loops := make([]*sendLoop, 0, len(c.Alertmanagers))
	type identity struct {
		url    string
		client *http.Client
	}
	seen := make(map[identity]bool, len(c.Alertmanagers))
	named := make(map[string]int, len(c.Alertmanagers))
	for _, am := range c.Alertmanagers {
		id := identity{am.URL.String(), am.Client}
		if seen[id] {
			continue
		}
		seen[id] = true
		name := displayURL(am.URL)
		if named[name]++; named[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, named[name])
		}
		if s := old[name]; s != nil {
			delete(old, name)
			s.replace(am)
			loops = append(loops, s)
			continue
		}
		n.metrics.add(name)
		s := newSendLoop(name, am, n.capacity, n.metrics, n.logger)
		if n.run != nil {
			n.run(s)
		}
		loops = append(loops, s)
	}
	for _, s := range old {
		s.remove()
	}
	n.conf, n.loops = c, loops
	n.metrics.alertmanagers.Set(float64(len(loops)))
	return nil
}

func (a *Alertmanager) complete() error {
	switch {
	case a.URL == nil:
		return errors.New("URL is missing")
	case a.URL.Scheme != "http" && a.URL.Scheme != "https":
		return fmt.Errorf("URL %q: expected http:// or https://", a.URL.Redacted())
	case a.URL.Host == "":
		return fmt.Errorf("URL %q: the host is missing", a.URL.Redacted())
	case a.Timeout < 0:
		return fmt.Errorf("timeout %s: must be positive", a.Timeout)
	}
	a.Timeout = cmp.Or(a.Timeout, DefaultTimeout)
	return nil
}

// Update tells the Alertmanagers about leaks as of now, where they are due: one
// that fires at once and again every resend interval, one that was resolved at
// once and again for 15 minutes. A leak that is missing from leaks is not sent;
// its alert ends by itself. Until the next Update, Run goes on telling what
// fires. Update does not wait for any Alertmanager.
func (n *Notifier) Update(leaks []leak.Leak, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return
	}
	n.updated, n.firing = time.Now(), n.firing[:0]
	var due, others []item // others: told to those only who are new
	fresh := slices.ContainsFunc(n.loops, func(s *sendLoop) bool { return s.fresh })
	live := make(map[string]bool, len(leaks))
	for _, l := range leaks {
		if l.State == leak.Ignored && !l.ResolvedAt.IsZero() {
			l.State = leak.Resolved // for those who were told before
		}
		switch {
		case l.State == leak.Firing:
		case l.State == leak.Resolved && now.Sub(l.ResolvedAt) <= resolvedFor && !l.DetectedAt.IsZero():
		default:
			continue
		}
		live[l.ID] = true
		if l.State == leak.Firing {
			n.firing = append(n.firing, l)
		}
		isDue := n.sent[l.ID].due(l.State, now, n.conf.ResendInterval)
		if !isDue && !fresh || len(n.loops) == 0 {
			continue
		}
		i := n.item(l, now)
		if isDue {
			n.sent[l.ID] = sending{at: now, state: l.State}
			due = append(due, i)
		} else {
			others = append(others, i)
		}
	}
	for id := range n.sent {
		if !live[id] {
			delete(n.sent, id)
		}
	}
	for _, s := range n.loops {
		if s.fresh {
			s.add(others)
			s.fresh = false
		}
		s.add(due)
	}
}

// every is how often what fires is told. The lock is held.
func (n *Notifier) every() time.Duration { return max(n.conf.ResendInterval, n.conf.UpdateInterval) }

// item is the alert of a leak as of now. The lock is held.
func (n *Notifier) item(l leak.Leak, now time.Time) item {
	i := item{key: l.ID, alert: Render(l, n.conf.Render)}
	if l.State == leak.Firing {
		// An evaluation that took long must not make for an alert that is over
		// when it arrives; and queues wait by the wall clock anyway.
		wall := time.Now()
		if now.Before(wall) {
			now = wall
		}
		valid := 4 * n.every()
		i.alert.EndsAt, i.expires = now.Add(valid), wall.Add(valid)
	}
	return i
}

// refresh tells what fires once more if the next Update is late: that an
// evaluation takes long must not end an alert. It returns when to look again.
func (n *Notifier) refresh() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	late := now.Sub(n.updated) > n.every()*3/2
	switch {
	case len(n.firing) == 0 || !late:
	case now.Sub(n.updated) > maxSilence:
		n.logger.Error("No evaluation for too long: the alerts that fire will end", "alerts", len(n.firing), "last", n.updated)
		n.firing = nil
	default:
		items := make([]item, len(n.firing))
		for i, l := range n.firing {
			items[i] = n.item(l, now)
		}
		for _, s := range n.loops {
			s.add(items)
		}
	}
	return n.every()
}

// due says whether a leak is to be sent, given what was sent of it.
func (s sending) due(state leak.State, now time.Time, every time.Duration) bool {
	if s.state != state {
		return true
	}
	// Evaluations are not to the millisecond: a little early is better than an
	// evaluation late. A clock that was set back does not silence us.
	ago := now.Sub(s.at)
	return ago < 0 || ago >= every-every/10
}

// Run sends what is queued until ctx is done, then what is left, for at most
// the drain timeout and without retrying. It runs once.
func (n *Notifier) Run(ctx context.Context) error {
	n.mu.Lock()
	if n.run != nil || n.ended {
		n.mu.Unlock()
		return errors.New("the notifier has been run already")
	}
	// Requests outlive ctx: what is on its way when we are told to stop may
	// still arrive.
	sending, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	n.run = func(s *sendLoop) {
		n.wg.Go(func() { s.run(ctx, sending) })
	}
	for _, s := range n.loops {
		n.run(s)
	}
	n.mu.Unlock()

	tick := time.NewTimer(n.refresh())
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			tick.Reset(n.refresh())
		}
	}
	n.mu.Lock()
	n.run, n.ended = nil, true
	n.mu.Unlock()
	defer time.AfterFunc(n.drain, kill).Stop()
	n.wg.Wait()
	return nil
}

// AlertmanagerStatus is how it stands with one Alertmanager, for the pages.
type AlertmanagerStatus struct {
	// URL is without user, password and query, and numbered where several
	// differ in nothing else.
	URL   string `json:"url"`
	State Health `json:"state"`
	// Since is when the State began; zero while nothing was sent.
	Since time.Time `json:"since,omitzero"`
	// LastError says why it fails or what it rejected; empty since it last took
	// an alert.
	LastError   string    `json:"last_error,omitempty"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	// Queued alerts wait, at most Capacity can.
	Queued   int `json:"queued"`
	Capacity int `json:"capacity"`
	// Sent alerts were taken, Dropped ones given up, since the start.
	Sent    int64 `json:"sent"`
	Dropped int64 `json:"dropped"`
}

// Status is how it stands with each Alertmanager, in the order of the
// configuration.
func (n *Notifier) Status() []AlertmanagerStatus {
	n.mu.Lock()
	loops := n.loops
	n.mu.Unlock()
	all := make([]AlertmanagerStatus, 0, len(loops))
	for _, s := range loops {
		all = append(all, s.status())
	}
	return all
}

// displayURL is a URL without anything that could be a secret.
func displayURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
