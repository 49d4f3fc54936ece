package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gorowatch/gorowatch/internal/web/apiv1"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/hostcheck"
	"github.com/gorowatch/gorowatch/internal/web/inbound"
	"github.com/gorowatch/gorowatch/internal/web/pages"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// Options of a Handler. Backend is required.
type Options struct {
	Logger  *slog.Logger
	Backend Backend
	// Registerer takes the metrics of the handler itself, Gatherer is what
	// /metrics shows. Either may be nil.
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer
	// ExternalURL is where people reach the pages; every link starts with it.
	// Nil: http://localhost:10980/.
	ExternalURL *url.URL
	// RoutePrefix is the prefix of every path that is served. Empty: the path
	// of ExternalURL. A proxy that strips the prefix needs "/".
	RoutePrefix string
	// AllowedHosts are names under which requests are answered besides that of
	// ExternalURL, as hostcheck.New takes them.
	AllowedHosts []string
	// Reloader is called by /-/reload. It is nil if that is not enabled.
	Reloader Reloader

	// Profiles reads the archive, and History the data of charts. Either may be nil.
	Profiles view.Profiles
	History  view.History
	// Resolution is the shortest step of a chart, a second if 0.
	Resolution time.Duration
	// Puller takes profiles on request from the pages. It is nil if that is not enabled.
	Puller view.Puller
	// Triage stores owners, notes and expectations of leaks. It is nil if nothing is stored.
	Triage view.Triage
	// Inbound handles incoming alerts. Nil: they are not accepted.
	Inbound Inbound
	// Pushed accepts pushed profiles. It is nil if none are accepted.
	Pushed Pushed
	// MCP answers agents over the Model Context Protocol at /mcp.
	MCP bool
	// Pictures answers requests for pictures of leaks, with its own checks. Nil: there are
	// none.
	Pictures http.Handler

	// Flags are those of the command line.
	Flags map[string]string
	// Started is when the process started.
	Started time.Time
}

// Handler checks every request and passes it to the page or the part of the API that answers
// it. Several requests may use it at the same time.
type Handler struct {
	http.Handler

	o     Options
	hosts hostcheck.Policy
	json  envelope.Writer
	// pages answer people, api answers programs, inbound answers Alertmanager.
	pages   *pages.Handler
	api     *apiv1.Handler
	inbound *inbound.Handler
}

// New makes a Handler.
func New(o Options) (*Handler, error) {
	if o.Backend == nil {
		return nil, errors.New("web: Backend is missing")
	}
	if o.ExternalURL == nil {
		o.ExternalURL = &url.URL{Scheme: "http", Host: "localhost:10980", Path: "/"}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	hosts, err := hostcheck.New(o.ExternalURL, o.AllowedHosts)
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	reader := view.New(view.Options{
		Logger: o.Logger, Backend: o.Backend, Profiles: o.Profiles, History: o.History, Resolution: o.Resolution, Puller: o.Puller, Triage: o.Triage,
	})
	h := &Handler{
		o: o, hosts: hosts, json: envelope.Writer{Logger: o.Logger},
		api: apiv1.New(apiv1.Options{Logger: o.Logger, Backend: o.Backend, View: reader, Flags: o.Flags, Started: o.Started}),
	}
	if h.pages, err = pages.New(pages.Options{
		Logger: o.Logger, Backend: o.Backend, View: reader, ExternalURL: o.ExternalURL, Flags: o.Flags, Started: o.Started,
	}); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	measure, err := newMeasure(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("web: metrics: %w", err)
	}
	if h.inbound, err = h.newWebhook(); err != nil {
		return nil, fmt.Errorf("web: metrics: %w", err)
	}
	compress, err := newCompress()
	if err != nil {
		return nil, fmt.Errorf("web: compression: %w", err)
	}
	inner, err := h.withMCP(h.mux(measure, compress), measure)
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	h.Handler = secure(h.stripPrefix(h.withPictures(h.checkHost(inner), measure)))
	return h, nil
}
