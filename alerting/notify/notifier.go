package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/alertmanager"
	"github.com/gorowatch/gorowatch/alerting/internal/notice"
	"github.com/gorowatch/gorowatch/alerting/internal/webhook"
)

// Notifier keeps Alertmanagers up to date and informs webhooks. Its methods may be
// called from any goroutine.
type Notifier struct {
	logger              *slog.Logger
	alertmanagerMetrics *alertmanager.Metrics
	webhookMetrics      *webhook.Metrics
	capacity            int
	drainTimeout        time.Duration
	notebook            *notebook

	mu            sync.Mutex // guards all below
	config        Config
	alertmanagers []*alertmanagerLoop // in the order of the configuration
	webhooks      []*webhook.Loop     // likewise
	queued        map[string]queuedState
	escalations   *escalations
	suspicions    suspicions
	// firing are the alerts that fire as of the last Update, updatedAt is when that
	// was by the wall clock.
	firing    []notice.Notice
	updatedAt time.Time
	startLoop func(loop)     // starts a loop; nil unless Run runs
	hasEnded  bool           // Run has ended
	running   sync.WaitGroup // the loops that run
}

// loop sends to one receiver.
type loop interface {
	// Run ends some time after ctx is done, and at once after sending is.
	Run(ctx, sending context.Context)
}

// New makes a Notifier with the notes of an earlier one. Alerts are queued from the
// first Update on and sent while Run runs.
func New(ctx context.Context, o Options) (*Notifier, error) {
	am, err := alertmanager.NewMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("alerting metrics: %w", err)
	}
	wh, err := webhook.NewMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("alerting metrics: %w", err)
	}
	n := &Notifier{
		logger:              o.Logger,
		alertmanagerMetrics: am,
		webhookMetrics:      wh,
		capacity:            cmp.Or(o.QueueCapacity, DefaultQueueCapacity),
		drainTimeout:        cmp.Or(o.DrainTimeout, DefaultDrainTimeout),
		queued:              make(map[string]queuedState),
	}
	if n.logger == nil {
		n.logger = slog.New(slog.DiscardHandler)
	}
	n.notebook = openNotebook(ctx, o.Notes, n.logger)
	n.escalations = newEscalations(n.notebook)
	n.suspicions = suspicions{byLeak: map[string]suspicion{}}
	am.SetCapacity(n.capacity)
	return n, n.ApplyConfig(o.Config)
}

// ApplyConfig replaces the configuration, or changes nothing if there is an error in
// it. An Alertmanager that stays keeps its queue, and one that goes loses it. A new
// one gets the firing alerts with the next Update.
func (n *Notifier) ApplyConfig(c Config) error {
	c, err := c.complete()
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.alertmanagers = n.replaceAlertmanagers(c.Alertmanagers)
	n.webhooks = n.replaceWebhooks(c.Webhooks)
	n.config = c
	n.alertmanagerMetrics.SetAlertmanagers(len(n.alertmanagers))
	return nil
}

// Run sends what is queued until ctx is done. Then it sends what is left, for at most
// the drain timeout and without another attempt. It can run once.
func (n *Notifier) Run(ctx context.Context) error {
	n.mu.Lock()
	if n.startLoop != nil || n.hasEnded {
		n.mu.Unlock()
		return errors.New("the notifier has been run already")
	}
	// Requests outlive ctx, so that one that is under way when Run has to stop may
	// still arrive.
	sending, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	n.startLoop = func(l loop) {
		n.running.Go(func() { l.Run(ctx, sending) })
	}
	for _, l := range n.alertmanagers {
		n.startLoop(l)
	}
	for _, l := range n.webhooks {
		n.startLoop(l)
	}
	n.mu.Unlock()
	// The notebook ends after the loops, to note their last deliveries.
	writing, closeNotebook := context.WithCancel(context.WithoutCancel(ctx))
	var notebook sync.WaitGroup
	notebook.Go(func() { n.notebook.run(writing) })
	defer notebook.Wait()
	defer closeNotebook()

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
	n.startLoop, n.hasEnded = nil, true
	n.mu.Unlock()
	defer time.AfterFunc(n.drainTimeout, kill).Stop()
	n.running.Wait()
	return nil
}

// Status returns the state of the deliveries to each Alertmanager, and to each webhook
// after them, in the order of the configuration.
func (n *Notifier) Status() []alerting.ReceiverStatus {
	n.mu.Lock()
	alertmanagers, webhooks := n.alertmanagers, n.webhooks
	n.mu.Unlock()
	all := make([]alerting.ReceiverStatus, 0, len(alertmanagers)+len(webhooks))
	for _, l := range alertmanagers {
		all = append(all, l.Status())
	}
	for _, l := range webhooks {
		all = append(all, l.Status())
	}
	return all
}
