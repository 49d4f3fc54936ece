package app

import (
	"fmt"
	"net/url"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/web/actions"
)

// pageLinks are where the pages lead, and who looks after which services.
func pageLinks(c config.Config) (actions.Links, error) {
	out := actions.Links{Alertmanager: c.Links.Alertmanager}
	matchers := func(field string, list []string) ([]*labels.Matcher, error) {
		if len(list) == 0 {
			return nil, nil
		}
		ms, err := config.ParseMatchers(list)
		if err != nil {
			return nil, fmt.Errorf("%s.matchers: %w", field, err)
		}
		return ms, nil
	}
	for i, s := range c.Links.Source {
		ms, err := matchers(fmt.Sprintf("links.source[%d]", i), s.Matchers)
		if err != nil {
			return out, err
		}
		out.Source = append(out.Source, actions.SourceLink{Matchers: ms, Prefix: s.Prefix, URL: alerting.Address(s.URL)})
	}
	for i, x := range c.Links.Issues {
		ms, err := matchers(fmt.Sprintf("links.issues[%d]", i), x.Matchers)
		if err != nil {
			return out, err
		}
		out.Issues = append(out.Issues, actions.IssueLink{Name: x.Name, Matchers: ms, URL: alerting.Address(x.URL)})
	}
	for i, o := range c.Owners {
		ms, err := matchers(fmt.Sprintf("owners[%d]", i), o.Matchers)
		if err != nil {
			return out, err
		}
		out.Owners = append(out.Owners, actions.OwnerRule{Matchers: ms, Owner: alerting.Address(o.Owner)})
	}
	return out, nil
}

// Links are where the pages lead. Without links.alertmanager, silences are made in the
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
