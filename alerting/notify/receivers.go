package notify

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/alertmanager"
	"github.com/gorowatch/gorowatch/alerting/internal/webhook"
)

// alertmanagerLoop sends to one Alertmanager.
type alertmanagerLoop struct {
	*alertmanager.Loop
	// isNew means that it has not got the firing alerts yet.
	isNew bool
}

// replaceAlertmanagers returns the loops of a new configuration. A loop whose
// Alertmanager stays is kept; the others are removed. The lock is held.
func (n *Notifier) replaceAlertmanagers(config []alerting.Alertmanager) []*alertmanagerLoop {
	old := make(map[string]*alertmanagerLoop, len(n.alertmanagers))
	for _, l := range n.alertmanagers {
		old[l.Name()] = l
	}
	loops := make([]*alertmanagerLoop, 0, len(config))
	type identity struct {
		url    string
		client *http.Client
	}
	seen := make(map[identity]bool, len(config))
	named := make(map[string]int, len(config))
	for _, target := range config {
		id := identity{target.URL.String(), target.Client}
		if seen[id] {
			continue
		}
		seen[id] = true
		name := displayURL(target.URL)
		if named[name]++; named[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, named[name])
		}
		l := old[name]
		if l != nil {
			delete(old, name)
			l.Replace(target)
		} else {
			l = &alertmanagerLoop{alertmanager.NewLoop(name, target, n.capacity, n.alertmanagerMetrics, n.logger), true}
			if n.startLoop != nil {
				n.startLoop(l)
			}
		}
		loops = append(loops, l)
	}
	for _, l := range old {
		l.Remove()
	}
	return loops
}

// replaceWebhooks returns the loops of a new configuration. A loop whose name stays is
// kept; the others are removed. The lock is held.
func (n *Notifier) replaceWebhooks(config []alerting.Webhook) []*webhook.Loop {
	old := make(map[string]*webhook.Loop, len(n.webhooks))
	for _, l := range n.webhooks {
		old[l.Name()] = l
	}
	loops := make([]*webhook.Loop, 0, len(config))
	for _, target := range config {
		l := old[target.Name]
		if l != nil {
			delete(old, target.Name)
			l.Replace(target)
		} else {
			l = webhook.NewLoop(target, n.capacity, n.notebook, n.webhookMetrics, n.logger)
			if n.startLoop != nil {
				n.startLoop(l)
			}
		}
		loops = append(loops, l)
	}
	for _, l := range old {
		l.Remove()
	}
	return loops
}

// displayURL returns a URL without anything that could be a secret.
func displayURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
