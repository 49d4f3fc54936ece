package alerting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/gorowatch/gorowatch/leak"
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
	// Relabel rewrites the labels of the alerts for it, or drops alerts.
	Relabel []*relabel.Config
}

// Config is what a reload may change.
type Config struct {
	// Alertmanagers all get every alert. The same URL with the same client
	// twice is one; with another client, user or query it may be another tenant.
	Alertmanagers []Alertmanager
	// Webhooks are told the news themselves.
	Webhooks []Webhook
	Render   RenderOptions
	// Relabel rewrites the labels of all alerts, or drops alerts, before each
	// Alertmanager's or webhook's own.
	Relabel []*relabel.Config
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
	// Notes outlive the process. Nil: they do not.
	Notes Notes
	// QueueCapacity is how many alerts may wait for one Alertmanager,
	// DefaultQueueCapacity if 0.
	QueueCapacity int
	// DrainTimeout bounds how long Run goes on sending after its context is
	// done, DefaultDrainTimeout if 0.
	DrainTimeout time.Duration
}

// Notifier keeps Alertmanagers up to date, and webhooks informed. Its methods may be called from any
// goroutine.
type Notifier struct {
	logger   *slog.Logger
	metrics  *metrics
	capacity int
	drain    time.Duration

	mu    sync.Mutex // guards all below
	conf  Config
	loops []*sendLoop // in the order of the configuration
	hooks []*hookLoop // likewise
	sent  map[string]sending
	// escalations are the critical alerts, by leak.
	escalations map[string]escalation
	// What the last Update said fires, and when that was by the wall clock.
	firing  []notice
	updated time.Time
	run     func(loop)     // starts a loop; nil unless Run runs
	ended   bool           // Run has ended
	wg      sync.WaitGroup // the loops that run

	book *notebook
}

// loop is what sends to one receiver.
type loop interface {
	// run ends some time after ctx is done, and at once after sending is.
	run(ctx, sending context.Context)
}

// sending is what was last queued of an alert.
type sending struct {
	at    time.Time
	state leak.State
}

// New makes a Notifier with the notes of an earlier one. Alerts are queued from
// the first Update on and sent while Run runs.
func New(ctx context.Context, o Options) (*Notifier, error) {
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
	n.book = openNotebook(ctx, o.Notes, n.logger)
	n.escalations = n.book.escalations()
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
	names := make(map[string]bool, len(c.Webhooks))
	c.Webhooks = slices.Clone(c.Webhooks)
	for i := range c.Webhooks {
		h := &c.Webhooks[i]
		if err := h.complete(); err != nil {
			errs = append(errs, fmt.Errorf("webhook %d: %w", i+1, err))
		} else if names[h.Name] {
			errs = append(errs, fmt.Errorf("webhook %d: the name %q is taken", i+1, h.Name))
		}
		names[h.Name] = true
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
	n.hooks = n.applyWebhooks(c.Webhooks)
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

// applyWebhooks makes the loops of webhooks. One whose name stays goes on with
// what it had to say. The lock is held.
func (n *Notifier) applyWebhooks(webhooks []Webhook) []*hookLoop {
	old := make(map[string]*hookLoop, len(n.hooks))
	for _, h := range n.hooks {
		old[h.name] = h
	}
	hooks := make([]*hookLoop, 0, len(webhooks))
	for _, w := range webhooks {
		h := old[w.Name]
		if h == nil {
			n.metrics.addWebhook(w.Name)
			h = newHookLoop(w, n.capacity, n.book, n.metrics, n.logger)
			if n.run != nil {
				n.run(h)
			}
		}
		delete(old, w.Name)
		h.replace(w)
		hooks = append(hooks, h)
	}
	for _, h := range old {
		h.remove()
	}
	return hooks
}

// notice is an alert that there is, or was: a leak as it concerns one severity.
type notice struct {
	leak     leak.Leak
	severity Severity
}

// key names the alert, in each of its states.
func (x notice) key() string {
	if x.severity == Warning {
		return x.leak.ID
	}
	return x.leak.ID + " " + string(x.severity)
}

// occasion names the alert in the state that it has.
func (x notice) occasion() string { return x.key() + string(x.leak.State) }

// escalation is the critical alert of a leak.
type escalation struct {
	since time.Time
	over  time.Time // zero while it fires
}

// notices are the alerts of a leak: that it leaks, and if its limit is or was
// near, that. The lock is held.
func (n *Notifier) notices(l leak.Leak, now time.Time) []notice {
	if l.State == leak.Ignored && !l.ResolvedAt.IsZero() {
		l.State = leak.Resolved // for those who were told before
	}
	if l.State != leak.Firing && (l.State != leak.Resolved || l.DetectedAt.IsZero()) {
		return nil
	}
	all := []notice{{l, Warning}}
	e, was := n.escalations[l.ID]
	is := was && e.over.IsZero()
	switch will := n.conf.Render.IsCritical(l, is); {
	case will && !is:
		e = escalation{since: now}
		n.book.edit(l.ID, func(x *note) { x.CriticalSince = now })
	case is && !will:
		e.over = now
		if l.State == leak.Resolved {
			e.over = l.ResolvedAt
		}
		n.book.edit(l.ID, func(x *note) { x.CriticalSince = time.Time{} })
	case !was:
		return all
	}
	n.escalations[l.ID] = e
	l.DetectedAt = e.since
	if !e.over.IsZero() {
		if l.State == leak.Firing {
			l.State, l.Resolution = leak.Resolved, "no limit is near any more, it leaks on"
		}
		l.ResolvedAt = e.over
	}
	return append(all, notice{l, Critical})
}

// Update tells the Alertmanagers about leaks as of now, where they are due: one
// that fires at once and again every resend interval, one that was resolved at
// once and again for 15 minutes. Webhooks are told once of each. A leak that is
// missing from leaks is not sent; its alert ends by itself. Until the next
// Update, Run goes on telling what fires. Update does not wait for anybody.
func (n *Notifier) Update(leaks []leak.Leak, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return
	}
	n.updated, n.firing = time.Now(), n.firing[:0]
	var due, others []item // others: told to those only who are new
	fresh := slices.ContainsFunc(n.loops, func(s *sendLoop) bool { return s.fresh })
	live := make(map[string]bool, len(leaks))  // leaks
	there := make(map[string]bool, len(leaks)) // alerts for Alertmanagers
	for _, l := range leaks {
		live[l.ID] = true
		for _, x := range n.notices(l, now) {
			// Rendered once, for all who are to be told.
			alert := sync.OnceValues(func() (item, bool) { return n.item(x, now) })
			n.tellWebhooks(x, alert)
			if x.leak.State == leak.Resolved && now.Sub(x.leak.ResolvedAt) > resolvedFor {
				continue
			}
			key := x.key()
			there[key] = true
			if x.leak.State == leak.Firing {
				n.firing = append(n.firing, x)
			}
			isDue := n.sent[key].due(x.leak.State, now, n.conf.ResendInterval)
			if !isDue && !fresh || len(n.loops) == 0 {
				continue
			}
			if isDue {
				n.sent[key] = sending{at: now, state: x.leak.State}
			}
			i, keep := alert()
			switch {
			case !keep:
			case isDue:
				due = append(due, i)
			default:
				others = append(others, i)
			}
		}
	}
	maps.DeleteFunc(n.sent, func(key string, _ sending) bool { return !there[key] })
	maps.DeleteFunc(n.escalations, func(id string, _ escalation) bool { return !live[id] })
	n.book.keep(live, now)
	for _, s := range n.loops {
		if s.fresh {
			s.add(others)
			s.fresh = false
		}
		s.add(due)
	}
	for _, h := range n.hooks {
		h.updated(live)
	}
}

// tellWebhooks gives the webhooks that have not heard of an alert as it is now
// what there is to say. The lock is held.
func (n *Notifier) tellWebhooks(x notice, alert func() (item, bool)) {
	for _, h := range n.hooks {
		if !h.wants(x) {
			continue
		}
		if i, keep := alert(); keep {
			h.add(news{x, i.alert})
		}
	}
}

// every is how often what fires is told. The lock is held.
func (n *Notifier) every() time.Duration { return max(n.conf.ResendInterval, n.conf.UpdateInterval) }

// item is an alert as of now; keep is false if relabelling drops it. The lock
// is held.
func (n *Notifier) item(x notice, now time.Time) (i item, keep bool) {
	i = item{key: x.key(), alert: Render(x.leak, x.severity, n.conf.Render)}
	if i.alert.Labels, keep = relabelled(i.alert.Labels, n.conf.Relabel); !keep {
		return i, false
	}
	if x.leak.State == leak.Firing {
		// An evaluation that took long must not make for an alert that is over
		// when it arrives; and queues wait by the wall clock anyway.
		wall := time.Now()
		if now.Before(wall) {
			now = wall
		}
		valid := 4 * n.every()
		i.alert.EndsAt, i.expires = now.Add(valid), wall.Add(valid)
	}
	return i, true
}

// relabelled is what rules make of the labels of an alert; keep is false if
// they drop it.
func relabelled(ls labels.Labels, rules []*relabel.Config) (_ labels.Labels, keep bool) {
	if len(rules) == 0 {
		return ls, true
	}
	b := labels.NewBuilder(ls)
	keep = relabel.ProcessBuilder(b, rules...)
	return b.Labels(), keep
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
		items := make([]item, 0, len(n.firing))
		for _, x := range n.firing {
			if i, keep := n.item(x, now); keep {
				items = append(items, i)
			}
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
	n.run = func(l loop) {
		n.wg.Go(func() { l.run(ctx, sending) })
	}
	for _, s := range n.loops {
		n.run(s)
	}
	for _, h := range n.hooks {
		n.run(h)
	}
	n.mu.Unlock()
	// What was told last must be noted: the notes are closed after the loops.
	writing, closeBook := context.WithCancel(context.WithoutCancel(ctx))
	var book sync.WaitGroup
	book.Go(func() { n.book.run(writing) })
	defer book.Wait()
	defer closeBook()

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

// AlertmanagerStatus is how it stands with one Alertmanager or webhook, for the
// pages.
type AlertmanagerStatus struct {
	// Webhook: it is one, and URL is its name.
	Webhook bool `json:"webhook,omitempty"`
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

// Status is how it stands with each Alertmanager, and each webhook after them,
// in the order of the configuration.
func (n *Notifier) Status() []AlertmanagerStatus {
	n.mu.Lock()
	loops, hooks := n.loops, n.hooks
	n.mu.Unlock()
	all := make([]AlertmanagerStatus, 0, len(loops)+len(hooks))
	for _, s := range loops {
		all = append(all, s.status())
	}
	for _, h := range hooks {
		all = append(all, h.status())
	}
	return all
}

// displayURL is a URL without anything that could be a secret.
func displayURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
