package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
)

const (
	// maxInbound bounds the body of a webhook, in bytes, and the services that
	// one alert, and that all of them together, may name.
	maxInbound      = 4 << 20
	maxNamed        = 10
	maxNamedByAll   = 100
	maxReasonLabels = 300 // characters
	// inboundPerSecond is how many services may be asked for in the long run,
	// after maxNamedByAll at once.
	inboundPerSecond = 20.0 / 60

	inboundPath = "/api/v1/alertmanager-webhook"
)

// Inbound is what alerts of others lead to: profiles of the services that they
// name, while it happens.
type Inbound struct {
	// Credentials returns the bearer token that requests must have, or that
	// requests without one are taken too. Neither: the webhook is off.
	Credentials func() (token string, anonymous bool, err error)
	// Request asks for profiles of a service. It does not wait for them; an error
	// says that too many wait already.
	Request func(service labels.Labels, instance, why string) error
}

// inboundMessage is what matters of the payload of Alertmanager's webhooks.
type inboundMessage struct {
	Version string         `json:"version"`
	Alerts  []inboundAlert `json:"alerts"`
}

type inboundAlert struct {
	Status string            `json:"status"`
	Labels map[string]string `json:"labels"`
}

// inboundAnswer says what came of each alert.
type inboundAnswer struct {
	Requested []inboundRequested `json:"requested"`
	Ignored   []inboundIgnored   `json:"ignored"`
}

type inboundRequested struct {
	AlertName string        `json:"alertname"`
	Service   labels.Labels `json:"service"`
	Instance  string        `json:"instance,omitempty"`
}

type inboundIgnored struct {
	Labels map[string]string `json:"labels"`
	// Reason is one of inboundResults, Message the sentence for people.
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// What comes of an alert, as a label: a closed set.
const (
	inboundOK      = "requested"
	inboundOver    = "resolved"
	inboundOwn     = "own"
	inboundUnknown = "unknown"
	inboundVague   = "vague"
	inboundFull    = "full"
)

var inboundResults = []string{inboundOK, inboundOver, inboundOwn, inboundUnknown, inboundVague, inboundFull}

func newInboundMetric(reg prometheus.Registerer) (*prometheus.CounterVec, error) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "gorowatch", Subsystem: "inbound", Name: "alerts_total",
		Help: "Alerts that came in by the webhook, by what came of them.",
	}, []string{"result"})
	for _, r := range inboundResults {
		c.WithLabelValues(r)
	}
	if reg == nil {
		return c, nil
	}
	return c, reg.Register(c)
}

// inbound takes Alertmanager's webhooks: the services that its alerts name by
// labels are profiled now. Nothing else of what it says is believed, and no
// address in it is ever asked.
func (h *Handler) inbound(w http.ResponseWriter, r *http.Request) {
	if h.o.Inbound == nil {
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "no profiles are taken, so none can be asked for")
		return
	}
	if !h.authorised(w, r) {
		return
	}
	var m inboundMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxInbound)).Decode(&m); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			h.json.Refuse(w, http.StatusRequestEntityTooLarge, envelope.BadData, fmt.Sprintf("the body is larger than %d MiB", maxInbound>>20))
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
	case !h.o.State.Ready():
		h.json.Refuse(w, http.StatusServiceUnavailable, envelope.Unavailable, "the first evaluation is not done, no service is known yet")
		return
	}
	answer, code, reason := h.requestAll(m.Alerts)
	if code != http.StatusOK {
		h.json.Refuse(w, code, errorTypeOf(code), reason)
		return
	}
	h.json.Send(w, r, answer)
}

func errorTypeOf(code int) envelope.ErrorType {
	switch code {
	case http.StatusNotFound:
		return envelope.NotFound
	case http.StatusServiceUnavailable:
		return envelope.Unavailable
	}
	return envelope.BadData
}

// authorised tells whether a request may go on, and answers it if not. A
// request with the token may come to any host: no browser has the token.
func (h *Handler) authorised(w http.ResponseWriter, r *http.Request) bool {
	want, anonymous, err := h.o.Inbound.Credentials()
	switch {
	case err != nil:
		h.logger.Error("Cannot read the credentials of the webhook; all requests are refused", "err", err)
		h.json.Refuse(w, http.StatusInternalServerError, envelope.Unavailable, "the credentials cannot be read; the log says why")
		return false
	case anonymous && !h.hosts.Allows(r.Host) && (h.o.Login == nil || !h.o.Login()):
		h.json.Refuse(w, http.StatusForbidden, envelope.Forbidden, hostRefused)
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

// requestAll asks for profiles of all services that alerts name. The code says
// whether there was any use in it, and reason why not.
func (h *Handler) requestAll(alerts []inboundAlert) (answer inboundAnswer, code int, reason string) {
	answer = inboundAnswer{Requested: []inboundRequested{}, Ignored: []inboundIgnored{}}
	services := h.o.State.Services()
	code = http.StatusOK
	asked := map[uint64]bool{}
	ignore := func(a inboundAlert, result, why string, worst int) {
		h.inboundAlerts.WithLabelValues(result).Inc()
		answer.Ignored = append(answer.Ignored, inboundIgnored{a.Labels, result, why})
		if worst > code { // the reason belongs to the code
			code, reason = worst, why
		}
	}
	for _, a := range alerts {
		named := namedBy(a.Labels, services)
		switch {
		case a.Status != "firing":
			ignore(a, inboundOver, "does not fire", 0)
			continue
		case a.Labels[labels.AlertName] == alerting.AlertName:
			ignore(a, inboundOwn, "is gorowatch's own", 0)
			continue
		case len(named) == 0:
			ignore(a, inboundUnknown, "no service that is watched has the labels "+human.Line(labels.FromMap(a.Labels).String(), maxReasonLabels), http.StatusNotFound)
			continue
		case len(named) > maxNamed:
			ignore(a, inboundVague, fmt.Sprintf("%d services have the labels %s, expected at most %d: keep more of their labels in the rule",
				len(named), human.Line(labels.FromMap(a.Labels).String(), maxReasonLabels), maxNamed), http.StatusUnprocessableEntity)
			continue
		}
		for _, s := range named {
			if !asked[s.Hash()] {
				if len(asked) == maxNamedByAll {
					ignore(a, inboundFull, "too many services at once", http.StatusServiceUnavailable)
					break
				}
				if !h.inboundRate.AllowN(h.o.Now(), 1) {
					ignore(a, inboundFull, fmt.Sprintf("too many services at once, expected at most %d and %g a minute", maxNamedByAll, 60*inboundPerSecond), http.StatusServiceUnavailable)
					break
				}
				if err := h.o.Inbound.Request(s, a.Labels["instance"], a.Labels[labels.AlertName]); err != nil {
					ignore(a, inboundFull, err.Error(), http.StatusServiceUnavailable)
					break
				}
				asked[s.Hash()] = true
			}
			h.inboundAlerts.WithLabelValues(inboundOK).Inc()
			answer.Requested = append(answer.Requested, inboundRequested{human.Line(a.Labels[labels.AlertName], maxName), s, a.Labels["instance"]})
		}
	}
	if len(answer.Requested) > 0 {
		return answer, http.StatusOK, ""
	}
	return answer, code, reason
}

// namedBy are the services that an alert names: they agree with it on all
// labels that both have, and have at least one in common.
func namedBy(alert map[string]string, services []Service) (named []labels.Labels) {
	for _, s := range services {
		agree := 0
		contradicts := false
		s.Labels.Range(func(l labels.Label) {
			switch v, ok := alert[l.Name]; {
			case ok && v == l.Value:
				agree++
			case ok:
				contradicts = true
			}
		})
		if agree > 0 && !contradicts {
			named = append(named, s.Labels)
		}
	}
	return named
}
