package alerting

import (
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/relabel"
)

// Defaults of an Alertmanager and a Webhook.
const (
	DefaultTimeout   = 10 * time.Second
	DefaultMaxAlerts = 64
)

// Alertmanager is an Alertmanager that gets alerts.
type Alertmanager struct {
	// URL is its base, with the path prefix if there is one. /api/v2/alerts is
	// added to it.
	URL *url.URL
	// Client sends the requests, with authorization and TLS. Nil: a plain client.
	Client *http.Client
	// Timeout of one request, DefaultTimeout if 0.
	Timeout time.Duration
	// Relabel rewrites the labels of its alerts, or drops alerts.
	Relabel []*relabel.Config
}

// Webhook is a URL that gets alerts directly, in the format of Alertmanager's
// webhooks. Each state of an alert is delivered once, also across restarts.
type Webhook struct {
	// Name identifies it in the notes and in metrics. It holds no secret.
	Name string
	// URL returns the address. It is called before each request, because the address
	// may be in a file.
	URL func() (*url.URL, error)
	// Client sends the requests. Nil: a plain client.
	Client *http.Client
	// Timeout of one request, DefaultTimeout if 0.
	Timeout time.Duration
	// SkipResolved leaves out resolved alerts.
	SkipResolved bool
	// MaxAlerts bounds the alerts of one message, DefaultMaxAlerts if 0. The others
	// come in the next message.
	MaxAlerts int
	// Relabel rewrites the labels of its alerts, or drops alerts.
	Relabel []*relabel.Config
	// ExternalURL is the address of the pages, for the message.
	ExternalURL string
}

// Health says whether a receiver accepts alerts.
type Health string

// The states of health.
const (
	Unknown Health = "unknown" // nothing was sent yet
	Working Health = "working"
	Failing Health = "failing"
)

// ReceiverStatus is the state of the deliveries to one Alertmanager or webhook.
type ReceiverStatus struct {
	// Webhook is true for a webhook, whose URL is its name.
	Webhook bool `json:"webhook,omitempty"`
	// URL is without user, password and query. A number follows where several
	// Alertmanagers differ in nothing else.
	URL   string `json:"url"`
	State Health `json:"state"`
	// Since is when the State began; zero while nothing was sent.
	Since time.Time `json:"since,omitzero"`
	// LastError says why it fails or what it rejected; empty since it last accepted
	// an alert.
	LastError   string    `json:"last_error,omitempty"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	// Queued is how many alerts wait. Capacity is how many can.
	Queued   int `json:"queued"`
	Capacity int `json:"capacity"`
	// Sent and Dropped count the alerts that were accepted and given up since the
	// start.
	Sent    int64 `json:"sent"`
	Dropped int64 `json:"dropped"`
}
