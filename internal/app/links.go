package app

import (
	"net/url"

	"github.com/gorowatch/gorowatch/internal/web/actions"
)

// Links returns where the pages lead. Without links.alertmanager, silences are made in the
// first Alertmanager that alerts are sent to, if people may reach it under this address.
func (s state) Links() actions.Links {
	links := s.graph.Load().links
	if links.Alertmanager != "" {
		return links
	}
	for _, a := range s.notifier.Status() {
		if u, err := url.Parse(a.URL); err == nil && u.Host != "" && !a.Webhook {
			u.User = nil // redacted, and no business of a link
			links.Alertmanager = u.String()
			break
		}
	}
	return links
}
