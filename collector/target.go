package collector

import (
	"net/url"

	"github.com/prometheus/prometheus/model/labels"
)

// Target is where the profiles of one instance are had.
type Target struct {
	// Labels identify the instance the way its series do (job, instance,
	// namespace, pod, …).
	Labels labels.Labels
	// URL is the goroutine profile's, e.g.
	// http://10.0.0.7:8080/debug/pprof/goroutine, without query.
	URL *url.URL
	// ClientKey names the HTTP client (authorisation, TLS, timeouts) that the
	// configuration has for the set of targets that this one comes from.
	ClientKey string
}
