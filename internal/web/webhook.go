package web

import (
	"net/http"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/web/hostcheck"
	"github.com/gorowatch/gorowatch/internal/web/inbound"
)

// Inbound is where alerts of others lead: to profiles of the services that they
// name, while it happens. inbound.Backend says what each method does.
type Inbound interface {
	Credentials() (token string, anonymous bool, err error)
	RequestProfiles(service labels.Labels, instance, why string) error
}

// Pushed takes profiles that are sent unasked, in the two ways of Pyroscope's clients.
type Pushed interface {
	Ingest(http.ResponseWriter, *http.Request)
	Push(http.ResponseWriter, *http.Request)
}

// Paths of pushed profiles, which Pyroscope's clients append to the address that they
// are given.
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

// ServiceLabels are the labels of the services that are watched.
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
