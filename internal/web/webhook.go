package web

import (
	"net/http"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/web/hostcheck"
	"github.com/gorowatch/gorowatch/internal/web/inbound"
)

// Inbound handles incoming alerts: it requests profiles of the services that they name.
// inbound.Backend describes each method.
type Inbound interface {
	Credentials() (token string, anonymous bool, err error)
	RequestProfiles(service labels.Labels, instance, why string) error
}

// Pushed accepts pushed profiles, in the two ways of Pyroscope's clients.
type Pushed interface {
	Ingest(http.ResponseWriter, *http.Request)
	Push(http.ResponseWriter, *http.Request)
}

// Paths of pushed profiles, which Pyroscope's clients append to their configured address.
const (
	ingestPath = "/ingest"
	pushPath   = "/push.v1.PusherService/Push"
)

// webhook is the backend of the webhook.
type webhook struct {
	Backend
	Inbound
	hosts hostcheck.Policy
}

// ServiceLabels returns the labels of the services that are watched.
func (w webhook) ServiceLabels() []labels.Labels {
	services := w.Services()
	out := make([]labels.Labels, len(services))
	for i, s := range services {
		out[i] = s.Labels
	}
	return out
}

// TrustsHost reports whether a request may come to the host that it names.
func (w webhook) TrustsHost(r *http.Request) bool { return w.hosts.Trusts(r, w) }

// newWebhook makes the handler of the webhook.
func (h *Handler) newWebhook() (*inbound.Handler, error) {
	o := inbound.Options{Logger: h.o.Logger, Registerer: h.o.Registerer}
	if h.o.Inbound != nil {
		o.Backend = webhook{h.o.Backend, h.o.Inbound, h.hosts}
	}
	return inbound.New(o)
}
