package inbound

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/time/rate"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/hostcheck"
)

// Path is where the webhook is served.
const Path = "/api/v1/alertmanager-webhook"

const (
	maxBody               = 4 << 20 // bytes
	maxServicesPerAlert   = 10      // services that one alert may name
	maxServicesPerMessage = 100     // services that all alerts of a message may name
	maxReasonChars        = 300
	maxNameChars          = 120
	// perSecond is how many services may be requested in the long run, after
	// maxServicesPerMessage at once.
	perSecond = 20.0 / 60
)

// Backend is what the webhook needs of a running gorowatch. Its methods are
// called from any goroutine and return quickly.
type Backend interface {
	// Ready reports whether the first evaluation is done.
	Ready() bool
	// ServiceLabels returns the labels of the watched services, in any order.
	ServiceLabels() []labels.Labels
	// Credentials returns the bearer token that requests must have, or whether requests without
	// one are accepted. Neither: the webhook is off.
	Credentials() (token string, anonymous bool, err error)
	// RequestProfiles asks for profiles of a service. It does not wait for them;
	// an error says that too many wait already.
	RequestProfiles(service labels.Labels, instance, why string) error
	// TrustsHost reports whether a request without a token may come to the host that
	// it names.
	TrustsHost(*http.Request) bool
	// Now is the present
	Now() time.Time
}

// Options of a Handler. Logger is required.
type Options struct {
	Logger *slog.Logger
	// Backend may be nil: no profiles can be requested.
	Backend Backend
	// Registerer takes the metric of the handler; it may be nil.
	Registerer prometheus.Registerer
}

// Handler answers the webhook. It is safe for use by many requests.
type Handler struct {
	o      Options
	json   envelope.Writer
	alerts *prometheus.CounterVec // by result
	rate   *rate.Limiter
}

// New makes a Handler.
func New(o Options) (*Handler, error) {
	alerts, err := newMetric(o.Registerer)
	if err != nil {
		return nil, err
	}
	return &Handler{o: o, json: envelope.Writer{Logger: o.Logger}, alerts: alerts, rate: rate.NewLimiter(perSecond, maxServicesPerMessage)}, nil
}

// message is the part of the payload of Alertmanager's webhooks that matters.
type message struct {
	Version string  `json:"version"`
	Alerts  []alert `json:"alerts"`
}

type alert struct {
	Status string            `json:"status"`
	Labels map[string]string `json:"labels"`
}

// answer is the result for each alert.
type answer struct {
	Requested []requestedProfiles `json:"requested"`
	Ignored   []ignoredAlert      `json:"ignored"`
}

type requestedProfiles struct {
	AlertName string        `json:"alertname"`
	Service   labels.Labels `json:"service"`
	Instance  string        `json:"instance,omitempty"`
}

type ignoredAlert struct {
	Labels map[string]string `json:"labels"`
	// Reason is one of results, Message the sentence for people.
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// The results for an alert, as a label: a closed set.
const (
	resultRequested = "requested"
	resultResolved  = "resolved"
	resultOwn       = "own"
	resultUnknown   = "unknown"
	resultVague     = "vague"
	resultFull      = "full"
)

var results = []string{resultRequested, resultResolved, resultOwn, resultUnknown, resultVague, resultFull}

func newMetric(reg prometheus.Registerer) (*prometheus.CounterVec, error) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "gorowatch", Subsystem: "inbound", Name: "alerts_total",
		Help: "Alerts received by the webhook, by result.",
	}, []string{"result"})
	for _, r := range results {
		c.WithLabelValues(r)
	}
	if reg == nil {
		return c, nil
	}
	return c, reg.Register(c)
}

// ServeHTTP answers one message.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.o.Backend == nil {
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "profiles are turned off")
		return
	}
	if !h.authorised(w, r) {
		return
	}
	var m message
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&m); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			h.json.Refuse(w, http.StatusRequestEntityTooLarge, envelope.BadData, fmt.Sprintf("the body is larger than %d MiB", maxBody>>20))
			return
		}
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "not the JSON of Alertmanager's webhooks: "+human.Line(err.Error(), 200))
		return
	}
	switch {
	case m.Version != "4":
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, fmt.Sprintf("version: %q, expected \"4\", as Alertmanager's webhooks have it", human.Line(m.Version, 20)))
		return
	case len(m.Alerts) == 0:
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "alerts: there is none")
		return
	case !h.o.Backend.Ready():
		h.json.Refuse(w, http.StatusServiceUnavailable, envelope.Unavailable, "the first evaluation is not done, no service is known yet")
		return
	}
	result, code, reason := h.requestAll(m.Alerts)
	if code != http.StatusOK {
		h.json.Refuse(w, code, envelope.TypeOf(code), reason)
		return
	}
	h.json.Send(w, r, result)
}

// authorised reports whether a request is allowed, and answers it if not. A request with the
// token may come to any host, because no browser has the token.
func (h *Handler) authorised(w http.ResponseWriter, r *http.Request) bool {
	want, anonymous, err := h.o.Backend.Credentials()
	switch {
	case err != nil:
		h.o.Logger.Error("Cannot read the credentials of the webhook; all requests are refused", "err", err)
		h.json.Refuse(w, http.StatusInternalServerError, envelope.Unavailable, "the credentials cannot be read; the log says why")
		return false
	case anonymous && !h.o.Backend.TrustsHost(r):
		h.json.Refuse(w, http.StatusForbidden, envelope.Forbidden, hostcheck.Refusal)
		return false
	case anonymous:
		return true
	case want == "":
		h.json.Refuse(w, http.StatusForbidden, envelope.Forbidden, "the webhook is off: set alerting.inbound.credentials_file to a file with a bearer token, or alerting.inbound.allow_anonymous")
		return false
	}
	got, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		h.json.Refuse(w, http.StatusUnauthorized, envelope.Forbidden, "expected an Authorization header with the bearer token of alerting.inbound")
		return false
	}
	return true
}

// requestAll requests profiles of all services that alerts name. If there was none, code and
// reason are those of the refusal.
func (h *Handler) requestAll(alerts []alert) (out answer, code int, reason string) {
	out = answer{Requested: []requestedProfiles{}, Ignored: []ignoredAlert{}}
	services := h.o.Backend.ServiceLabels()
	code = http.StatusOK
	requested := map[uint64]bool{}
	ignore := func(a alert, result, why string, worst int) {
		h.alerts.WithLabelValues(result).Inc()
		out.Ignored = append(out.Ignored, ignoredAlert{a.Labels, result, why})
		if worst > code { // the reason belongs to the code
			code, reason = worst, why
		}
	}
	for _, a := range alerts {
		named := matchingServices(a.Labels, services)
		switch {
		case a.Status != "firing":
			ignore(a, resultResolved, "does not fire", 0)
			continue
		case a.Labels[labels.AlertName] == alerting.AlertName:
			ignore(a, resultOwn, "is gorowatch's own", 0)
			continue
		case len(named) == 0:
			ignore(a, resultUnknown, "no service that is watched has the labels "+human.Line(labels.FromMap(a.Labels).String(), maxReasonChars), http.StatusNotFound)
			continue
		case len(named) > maxServicesPerAlert:
			ignore(a, resultVague, fmt.Sprintf("%d services have the labels %s, expected at most %d: keep more of their labels in the rule",
				len(named), human.Line(labels.FromMap(a.Labels).String(), maxReasonChars), maxServicesPerAlert), http.StatusUnprocessableEntity)
			continue
		}
		for _, s := range named {
			if !requested[s.Hash()] {
				if len(requested) == maxServicesPerMessage {
					ignore(a, resultFull, "too many services at once", http.StatusServiceUnavailable)
					break
				}
				if !h.rate.AllowN(h.o.Backend.Now(), 1) {
					ignore(a, resultFull, fmt.Sprintf("too many services at once, expected at most %d and %g a minute", maxServicesPerMessage, 60*perSecond), http.StatusServiceUnavailable)
					break
				}
				if err := h.o.Backend.RequestProfiles(s, a.Labels["instance"], a.Labels[labels.AlertName]); err != nil {
					ignore(a, resultFull, err.Error(), http.StatusServiceUnavailable)
					break
				}
				requested[s.Hash()] = true
			}
			h.alerts.WithLabelValues(resultRequested).Inc()
			out.Requested = append(out.Requested, requestedProfiles{human.Line(a.Labels[labels.AlertName], maxNameChars), s, a.Labels["instance"]})
		}
	}
	if len(out.Requested) > 0 {
		return out, http.StatusOK, ""
	}
	return out, code, reason
}

// matchingServices returns the services that an alert names: they agree with it on all
// labels that both have, and have at least one in common.
func matchingServices(alertLabels map[string]string, services []labels.Labels) (named []labels.Labels) {
	for _, s := range services {
		agree := 0
		contradicts := false
		s.Range(func(l labels.Label) {
			switch v, ok := alertLabels[l.Name]; {
			case ok && v == l.Value:
				agree++
			case ok:
				contradicts = true
			}
		})
		if agree > 0 && !contradicts {
			named = append(named, s)
		}
	}
	return named
}
