package kubeevents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

const (
	// repeatAfter is the time after which the Event of a leak that still fires is written
	// again: Kubernetes deletes Events after an hour.
	repeatAfter = 50 * time.Minute
	// lookAgain is the time after which the pods of a leak are searched again.
	lookAgain = 5 * time.Minute
	// maxPods is how many pods of a leak are tried; some may be gone.
	maxPods = 5
	// maxMessage is the length of a message that Kubernetes takes, in bytes.
	maxMessage = 1024
)

// Config says where Events go.
type Config struct {
	API    *url.URL
	Client *http.Client // has the credentials
	Render alerting.RenderOptions
}

// Recorder writes Events about leaks.
type Recorder struct {
	logger  *slog.Logger
	results *prometheus.CounterVec
	// instances are the labels of the instances of a service.
	instances func(service labels.Labels) []labels.Labels

	mu     sync.Mutex
	config *Config // nil: Events are off
	leaks  []leak.Leak
	now    time.Time
	wake   chan struct{}

	// Of the goroutine of Run:
	written map[string]*written // by leak
	failing string              // the last error that was logged
}

// written is what was written about a leak.
type written struct {
	owner object
	slot  int64     // the last one of a firing leak, counted from 1
	ended bool      // the Event of the end is written, or will not be
	again time.Time // no search for a pod before
}

// The results of an attempt.
const (
	resultWritten = "written"
	resultNoPod   = "no_pod"
	resultFailed  = "failed"
)

// New makes a Recorder without a Config. instances returns the labels of the instances of a
// service, which have the pod.
func New(reg prometheus.Registerer, logger *slog.Logger, instances func(labels.Labels) []labels.Labels) *Recorder {
	r := &Recorder{
		logger: logger, instances: instances, wake: make(chan struct{}, 1), written: map[string]*written{},
		results: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_kubernetes_events_total",
			Help: "Kubernetes Events about leaks, by result.",
		}, []string{"result"}),
	}
	for _, result := range []string{resultWritten, resultNoPod, resultFailed} {
		r.results.WithLabelValues(result)
	}
	return r
}

// Apply replaces the configuration; nil turns Events off.
func (r *Recorder) Apply(c *Config) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.config = c
}

// Update passes the leaks as of now. It does not wait.
func (r *Recorder) Update(leaks []leak.Leak, now time.Time) {
	r.mu.Lock()
	r.leaks, r.now = leaks, now
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run writes Events until ctx ends. What fails is tried again at the next Update.
func (r *Recorder) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		}
		r.mu.Lock()
		c, leaks, now := r.config, r.leaks, r.now
		r.mu.Unlock()
		if c != nil {
			r.round(ctx, c, leaks, now)
		}
	}
}

// round writes the Events that are due.
func (r *Recorder) round(ctx context.Context, c *Config, leaks []leak.Leak, now time.Time) {
	known := make(map[string]bool, len(leaks))
	for _, l := range leaks {
		known[l.ID] = true
		err := r.write(ctx, c, l, now)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
		case errors.Is(err, errNoPod):
			r.results.WithLabelValues(resultNoPod).Inc()
		default:
			r.results.WithLabelValues(resultFailed).Inc()
			if text := err.Error(); text != r.failing {
				r.failing = text
				r.logger.Warn("Cannot write a Kubernetes event; trying again at the next evaluation", "leak", l.ID, "err", err)
			}
			if _, ok := errors.AsType[statusError](err); !ok {
				return // the API server is down, for all others too
			}
		}
	}
	for id := range r.written {
		if !known[id] {
			delete(r.written, id)
		}
	}
}

// errNoPod means that no instance of the leak is a pod that is still there.
var errNoPod = errors.New("no pod of the leak is known")

// write writes the Event of a leak, if one is due.
func (r *Recorder) write(ctx context.Context, c *Config, l leak.Leak, now time.Time) error {
	w := r.written[l.ID]
	if w == nil {
		w = &written{}
		r.written[l.ID] = w
	}
	if now.Before(w.again) {
		return nil
	}
	e := event{APIVersion: "v1", Kind: "Event", Count: 1, Source: map[string]string{"component": component}, ReportingComponent: component}
	slot, from := int64(0), l.DetectedAt
	switch {
	case l.State == leak.Firing && !l.DetectedAt.IsZero():
		slot = int64(max(0, now.Sub(l.DetectedAt))/repeatAfter) + 1
		if slot == w.slot {
			return nil
		}
		w.ended = false
		e.Type, e.Reason = "Warning", alerting.AlertName
	case l.State == leak.Resolved && !w.ended && (w.slot > 0 || now.Sub(l.ResolvedAt) < repeatAfter) && !l.DetectedAt.IsZero():
		from = l.ResolvedAt
		e.Type, e.Reason = "Normal", alerting.AlertName+"Resolved"
	default:
		return nil
	}
	if err := r.find(ctx, c, l, w); err != nil {
		if errors.Is(err, errNoPod) {
			w.again = now.Add(lookAgain)
			w.ended = slot == 0 && now.Sub(l.ResolvedAt) >= repeatAfter
		}
		return err
	}
	e.InvolvedObject = w.owner
	e.Metadata.Namespace = w.owner.Namespace
	// Replicas and later runs give the same Event the same name.
	e.Metadata.Name = strings.TrimRight(w.owner.Name[:min(len(w.owner.Name), 180)], "-.") + "." + l.ID + "." + strconv.FormatInt(from.Unix(), 16) + "." + strconv.FormatInt(slot, 16)
	e.FirstTimestamp, e.LastTimestamp = from.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)
	e.Message = message(l, c.Render)
	if err := (api{c.API, c.Client}).create(ctx, e); err != nil {
		if isStatus(err, http.StatusNotFound) { // the namespace is gone
			w.owner = object{}
		}
		return fmt.Errorf("event in namespace %s: %w", human.Line(e.Metadata.Namespace, 63), err)
	}
	w.slot, w.ended, r.failing = slot, slot == 0, ""
	r.results.WithLabelValues(resultWritten).Inc()
	return nil
}

// find finds the workload of a leak by its pods: first those that leak, then those of the same
// service, because the workload outlives its pods.
func (r *Recorder) find(ctx context.Context, c *Config, l leak.Leak, w *written) error {
	if w.owner.UID != "" {
		return nil
	}
	all := r.instances(l.Service)
	slices.SortStableFunc(all, func(a, b labels.Labels) int {
		leaks := func(ls labels.Labels) bool { return slices.Contains(l.Instances, ls.Get("instance")) }
		switch {
		case leaks(a) == leaks(b):
			return 0
		case leaks(a):
			return -1
		}
		return 1
	})
	tried := 0
	for _, ls := range all {
		namespace, pod := first(ls, "namespace", "kubernetes_namespace", "k8s_namespace_name"), first(ls, "pod", "kubernetes_pod_name", "k8s_pod_name")
		if namespace == "" || pod == "" || !isName(namespace) || !isName(pod) {
			continue
		}
		if tried++; tried > maxPods {
			break
		}
		owner, err := api{c.API, c.Client}.workload(ctx, namespace, pod)
		switch {
		case isStatus(err, http.StatusNotFound):
			continue
		case err != nil:
			return fmt.Errorf("workload of pod %s/%s: %w", namespace, pod, err)
		}
		w.owner = owner
		return nil
	}
	return errNoPod
}

func first(ls labels.Labels, names ...string) string {
	for _, name := range names {
		if v := ls.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// isName reports whether a label is a valid object name: a label of a series may be anything.
func isName(s string) bool {
	return len(s) <= 253 && s[0] != '.' && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}) < 0
}

// message says what leaks and on which line, and where to find more.
func message(l leak.Leak, o alerting.RenderOptions) string {
	text := alerting.Render(l, alerting.Warning, o).Annotations["summary"]
	if len(l.Stacks) > 0 {
		s := l.Stacks[0]
		text += "; " + human.Line(s.Op, 60)
		// Longer names push the line out of the summary.
		if place := human.Place(s.Key.File, s.Key.Line); place != "" && !strings.Contains(text, place) {
			text += " in " + human.Func(s.Key.Func, 100) + " " + human.Line(place, 100)
		}
	}
	for _, f := range alerting.Facts(l) {
		if f.URL != "" {
			text += "; " + strings.ToLower(f.Name) + ": " + human.Line(f.Words, 250)
		}
	}
	if l.State == leak.Resolved { // the summary is that of the alert, and says that it leaks
		over := "Resolved"
		if l.Resolution != "" {
			over += ", " + human.Line(l.Resolution, 150)
		}
		text = over + ": " + text
	}
	if o.ExternalURL != nil {
		if page := o.ExternalURL.JoinPath("leaks", l.ID).String(); len(text)+len(page)+1 <= maxMessage {
			text += " " + page
		}
	}
	return strings.ToValidUTF8(text[:min(len(text), maxMessage)], "")
}
