package push

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/gorowatch/gorowatch/collector/discovery"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
)

// Backend is what the Handler needs of a running gorowatch. Its methods are called
// from any goroutine.
type Backend interface {
	// Ready reports whether the first evaluation is done.
	Ready() bool
	// WatchedInstances returns the labels of the instances whose series have not ended.
	WatchedInstances() []labels.Labels
	// Push uses a profile if its instance needs one.
	Push(ctx context.Context, now time.Time, p profiling.Push) (used bool, err error)
}

// Config is the part of the configuration about pushes.
type Config struct {
	// Enabled accepts profiles; otherwise every request is refused.
	Enabled bool
	// Relabel are rules for the labels of a profile. Match names the labels by which its
	// instance is found afterwards; none: namespace and pod, or instance.
	Relabel []*relabel.Config
	Match   []string
	// RequestLimit bounds the bytes of a request, as sent and decompressed.
	RequestLimit int64
	// SenderRate and SenderBandwidth are the requests and bytes a second that each
	// sender may send in the long run, SenderSeries how many label sets it may have.
	SenderRate, SenderBandwidth float64
	SenderSeries                int
	// Limits bound the decoding of a profile.
	Limits pprof.Limits
	// Sharded means that other processes watch other instances, so that an unknown one is no
	// error.
	Sharded bool
}

// Options of a Handler. Backend and Config are required.
type Options struct {
	Logger     *slog.Logger
	Backend    Backend
	Config     Config
	Registerer prometheus.Registerer
	// Now is the clock; default time.Now
	Now func() time.Time
}

// Handler receives pushed profiles. Several requests may use it at the same time.
type Handler struct {
	o       Options
	config  atomic.Pointer[Config]
	metrics *metrics
	senders *senders

	mtx   sync.Mutex
	index *discovery.Instances // nil: has to be made
	made  time.Time            // when index was
}

// New makes a Handler.
func New(o Options) (*Handler, error) {
	if o.Backend == nil {
		return nil, errors.New("push: Backend is required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	h := &Handler{o: o, metrics: m, senders: newSenders()}
	h.Apply(o.Config)
	return h, nil
}

// Apply replaces the configuration.
func (h *Handler) Apply(c Config) {
	h.config.Store(&c)
	h.mtx.Lock()
	defer h.mtx.Unlock()
	h.index = nil
}

// request is a request that is being handled.
type request struct {
	*http.Request
	config Config
	sender *sender
	now    time.Time
	body   []byte
}

// admit checks whether a request may be handled, and reads it. leave must be called after it is
// handled, unless there is a problem.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request, accepted contentTypes) (x *request, leave func(), _ *problem) {
	x = &request{Request: r, config: *h.config.Load(), now: h.o.Now()}
	if !x.config.Enabled {
		return nil, nil, drop(ReasonOff, "pushed profiles are not accepted: set profiles.push.enabled")
	}
	if !accepted.include(r.Header.Get("Content-Type")) {
		return nil, nil, drop(ReasonContentType, "Content-Type: expected "+accepted.text)
	}
	if !h.o.Backend.Ready() {
		return nil, nil, drop(ReasonNotReady, "the first evaluation is not done; no instance is known yet")
	}
	var p *problem
	if x.sender, p = h.senders.find(x.now, nameOf(r), x.config); p != nil {
		return nil, nil, p
	}
	if leave, p = h.senders.enter(r.Context(), x.sender); p != nil {
		return nil, nil, p
	}
	var sent int64
	x.body, sent, p = readBody(w, r, x.config.RequestLimit)
	h.metrics.bytes.Add(float64(sent))
	h.senders.pay(x.now, x.sender, sent)
	if p != nil {
		leave()
		return nil, nil, p
	}
	return x, leave, nil
}

// result is the outcome for the profiles of a request.
type result struct {
	taken bool // at least one is used, or could have been
	worst *problem
}

// add adds the outcome for a profile. The first problem that needs an answer counts.
func (r *result) add(p *problem) {
	switch {
	case p == nil:
		r.taken = true
	case r.worst == nil || answers[r.worst.reason].status == http.StatusOK:
		r.worst = p
	}
}

// problem returns the problem to answer with; nil: there is none.
func (r *result) problem() *problem {
	if r.taken || r.worst == nil || answers[r.worst.reason].status == http.StatusOK {
		return nil
	}
	return r.worst
}

// sentNothing are the labels of a request that was dropped as a whole.
var sentNothing = labels.EmptyLabels()

// dropped counts and logs a dropped profile or request.
func (h *Handler) dropped(r *http.Request, p *problem, ls labels.Labels) {
	h.metrics.dropped.WithLabelValues(string(p.reason)).Inc()
	h.o.Logger.Debug("Pushed profile dropped", "sender", nameOf(r), "reason", string(p.reason), "labels", ls, "err", p.text)
}
